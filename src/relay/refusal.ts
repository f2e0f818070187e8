import { ErrorCode } from '../jsonrpc/errors.js';
import { asRecord, type Message, paramsOf } from '../jsonrpc/message.js';

/** Why a question of the server reaches nobody. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
  /** Where the client has not declared what it takes: that capability, as `elicitation.url`. */
  readonly capability?: string;
}

/** What a client must have declared to be asked this (`ClientCapabilities` of each revision). */
const CAPABILITY_FOR: ReadonlyMap<string, string> = new Map([
  ['sampling/createMessage', 'sampling'],
  ['elicitation/create', 'elicitation'],
  ['roots/list', 'roots'],
  ['tasks/get', 'tasks'],
  ['tasks/result', 'tasks'],
  ['tasks/list', 'tasks'],
  ['tasks/cancel', 'tasks'],
]);

/**
 * Why a client with these capabilities can't be asked this. On a shared upstream the server has seen the
 * proxy's capabilities, which are more than some clients have (2025-11-25, `basic/lifecycle`, "Operation";
 * `client/elicitation` and `client/sampling`, "Capabilities").
 */
export function refusalOf(
  question: Message,
  capabilities: Readonly<Record<string, unknown>>,
): Refusal | undefined {
  const name = CAPABILITY_FOR.get(question.method ?? '');
  if (name === undefined) return undefined;
  const declared = asRecord(capabilities[name]);
  const params = paramsOf(question);
  const part = partFor(name, params);
  const capability = part === undefined ? name : `${name}.${part}`;
  if (capabilities[name] === undefined) return undeclared(ErrorCode.MethodNotFound, name, capability);
  if (part === undefined || declared[part] !== undefined) return undefined;
  // Declared without any mode, as before 2025-11-25, elicitation means forms.
  if (part === 'form' && declared.url === undefined) return undefined;
  return undeclared(ErrorCode.InvalidParams, capability, capability);
}

/** The part of a capability that a question needs; undefined where it needs no more than the capability. */
function partFor(name: string, params: Readonly<Record<string, unknown>>): string | undefined {
  if (name === 'elicitation') return params.mode === 'url' ? 'url' : 'form';
  if (name === 'sampling' && (params.tools !== undefined || params.toolChoice !== undefined)) return 'tools';
  return undefined;
}

/** @param missing what of the capability the client has not declared: all of it, or a part */
function undeclared(code: number, missing: string, capability: string): Refusal {
  return { code, reason: `the client did not declare the capability "${missing}"`, capability };
}
