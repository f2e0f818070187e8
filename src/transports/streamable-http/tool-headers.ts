import { elementsOf, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, asRecord, type Message, textOf } from '../../jsonrpc/message.js';
import { scan } from '../../jsonrpc/scan.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { type DeclaredHeader, declaredHeaders } from './param-headers.js';

/** Tools whose headers are remembered; the ones that were not listed for longest are forgotten first. */
const MAX_TOOLS = 10_000;

/** Warnings that are remembered, so that a client which lists often does not fill the log with them. */
const MAX_TOLD = 1_000;

/** Characters that are shown of a tool's name, and of the reason, which has names of its parameters. */
const SHOWN = 200;

export interface Taken {
  /** The result without the tools that have to be left out; the same message where there are none. */
  readonly message: Message;
  /** One text for each tool that is left out, with its name and why; told once. */
  readonly warnings: readonly string[];
}

/**
 * Which `Mcp-Param-*` headers the tools of one server want of their calls, learned from the results of
 * `tools/list` that pass by (2026-07-28, `transports/streamable-http`, "Custom Headers from Tool Parameters").
 *
 * What was listed once stays until it is listed otherwise: pages of several listings may come in any order,
 * and a header too many for a tool that is gone harms nobody.
 */
export class ToolHeaders {
  readonly #tools = new Map<string, readonly DeclaredHeader[]>();
  readonly #told = new Set<string>();

  /** Learns from one page of tools. @param answer any answer to `tools/list` */
  take(answer: Message): Taken {
    const result = answer.kind === 'response' ? answerOf(answer) : '';
    const warnings: string[] = [];
    const left: Wire[] = [];
    const tools = elementsOf(memberOf(result, 'tools') ?? '');
    for (const tool of tools) {
      const { name, inputSchema } = asRecord(parseWire(tool));
      const declared = declaredHeaders(inputSchema);
      if (typeof declared !== 'string') {
        left.push(tool);
        if (typeof name === 'string') this.#remember(name, declared);
        continue;
      }
      if (typeof name === 'string') this.#tools.delete(name);
      this.#warn(textOf(name, '(no name)'), declared, warnings);
    }
    return { message: left.length === tools.length ? answer : withTools(answer, left), warnings };
  }

  /** The headers of that tool; undefined where no tool of that name was listed, or it had to be left out. */
  of(name: string): readonly DeclaredHeader[] | undefined {
    return this.#tools.get(name);
  }

  /** Forgets everything: another server may be at the same place now. */
  clear(): void {
    this.#tools.clear();
    this.#told.clear();
  }

  #remember(name: string, declared: readonly DeclaredHeader[]): void {
    this.#tools.delete(name);
    this.#tools.set(name, declared);
    const [oldest] = this.#tools.keys();
    if (this.#tools.size > MAX_TOOLS && oldest !== undefined) this.#tools.delete(oldest);
  }

  #warn(name: string, reason: string, warnings: string[]): void {
    const text = `The tool "${cut(name)}" is left out of tools/list: ${cut(reason)}.`;
    if (this.#told.has(text)) return;
    if (this.#told.size >= MAX_TOLD) this.#told.clear();
    this.#told.add(text);
    warnings.push(text);
  }
}

function cut(text: string): string {
  return text.length > SHOWN ? `${text.slice(0, SHOWN - 1)}…` : text;
}

/** The same answer with these tools, each with every octet as it was. */
function withTools(answer: Message, tools: readonly Wire[]): Message {
  const list = `[${tools.join(',')}]`;
  const members = membersOf(answerOf(answer)).map((member) =>
    member.key === 'tools' ? { ...member, value: list } : member,
  );
  const { text, answerAt, answerEnd } = answer;
  const changed = scan(text.slice(0, answerAt) + objectOf(members) + text.slice(answerEnd));
  if (changed.kind === 'response') return changed;
  throw new TypeError(`no answer: ${toWire(changed)}`);
}
