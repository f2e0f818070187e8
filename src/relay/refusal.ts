import { ErrorCode } from '../jsonrpc/errors.js';
import { asRecord, type Message, paramsOf } from '../jsonrpc/message.js';

/** Why a question of the server reaches nobody. */
export interface Refusal {
  readonly code: number;
  readonly reason: string;
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
  if (capabilities[name] === undefined) return undeclared(ErrorCode.MethodNotFound, name);
  const declared = asRecord(capabilities[name]);
  const params = paramsOf(question);
  if (name === 'elicitation') {
    const mode = params.mode === 'url' ? 'url' : 'form';
    // Declared without any mode, as before 2025-11-25, it means forms.
    const supported = declared[mode] !== undefined || (mode === 'form' && declared.url === undefined);
    if (!supported) return undeclared(ErrorCode.InvalidParams, `elicitation.${mode}`);
  }
  if (name === 'sampling' && declared.tools === undefined) {
    if (params.tools !== undefined || params.toolChoice !== undefined) {
      return undeclared(ErrorCode.InvalidParams, 'sampling.tools');
    }
  }
  return undefined;
}

function undeclared(code: number, capability: string): Refusal {
  return { code, reason: `the client did not declare the capability "${capability}"` };
}
