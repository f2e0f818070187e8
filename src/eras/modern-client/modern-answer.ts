import { ErrorCode, isReserved, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeError } from '../../jsonrpc/make.js';
import { elementsOf, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, type Message, metaOf, resultTypeOf, textOf, withId } from '../../jsonrpc/message.js';
import { withAnswer } from '../../jsonrpc/rewrite.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';
import { META } from '../meta-keys.js';
import { CACHEABLE_METHODS } from './methods.js';
import { type Change, withIdAndInserted } from './splice.js';

/**
 * A legacy server's response as the modern era has it: with `resultType`, with `ttlMs` and `cacheScope` where
 * the method's results can be cached, and with the server's identity (2026-07-28, `basic/index`, "Result
 * Responses"; `server/utilities/caching`). Put in between: however large it is, nothing else is read.
 *
 * @param id raw JSON of the id that it gets
 * @param serverInfo raw JSON
 */
export function modernResponse(
  response: Message,
  method: Wire,
  id: Wire,
  serverInfo: Wire | undefined,
): Message {
  if (response.text.charAt(response.answerAt) !== '{') return withId(response, id);
  if (method === 'tools/list' && response.text.includes('"taskSupport"')) {
    const value = withoutTasks(answerOf(response));
    // What else is called so, in a schema or a text, stays, and must not be looked for again.
    if (value !== answerOf(response)) {
      const changed = withAnswer(response, value);
      if (changed) return modernResponse(changed, method, id, serverInfo);
    }
  }
  const cacheable = CACHEABLE_METHODS.has(method);
  const wrong = wrongMembers(response, cacheable);
  if (wrong.size > 0) {
    const rest = objectOf(membersOf(answerOf(response)).filter(({ key }) => !wrong.has(key)));
    const without = withAnswer(response, rest);
    return without === undefined ? withId(response, id) : modernResponse(without, method, id, serverInfo);
  }
  const added: Wire[] = [];
  const inserted: Pick<Change, 'at' | 'value'>[] = [];
  if (response.typeAt < 0) added.push('"resultType":"complete"');
  if (cacheable && response.ttlAt < 0) added.push('"ttlMs":0');
  if (cacheable && response.scopeAt < 0) added.push('"cacheScope":"private"');
  if (serverInfo !== undefined) {
    const identity = `"${META.serverInfo}":${serverInfo}`;
    const meta = metaOf(response);
    if (meta === undefined) added.push(`"_meta":{${identity}}`);
    else if (meta.startsWith('{') && memberOf(meta, META.serverInfo) === undefined) {
      inserted.push(inFront(response, response.metaAt, identity));
    }
  }
  if (added.length > 0) inserted.push(inFront(response, response.answerAt, added.join(',')));
  return withIdAndInserted(response, id, inserted);
}

/**
 * The result of `tools/list` without word of tasks (2025-11-25, `basic/utilities/tasks`, "Tool-Level
 * Negotiation"), which a modern client cannot begin here: a tool that cannot be called without one is left out.
 */
function withoutTasks(result: Wire): Wire {
  let isChanged = false;
  const members = membersOf(result).map((member) => {
    if (member.key !== 'tools' || !member.value.startsWith('[')) return member;
    const tools = elementsOf(member.value).flatMap((tool) => {
      const execution = memberOf(tool, 'execution');
      const support = execution === undefined ? undefined : memberOf(execution, 'taskSupport');
      if (execution === undefined || support === undefined) return [tool];
      isChanged = true;
      if (support === '"required"') return [];
      const rest = membersOf(execution).filter(({ key }) => key !== 'taskSupport');
      const kept = membersOf(tool).flatMap((one) => {
        if (one.key !== 'execution') return [one];
        return rest.length === 0 ? [] : [{ ...one, value: objectOf(rest) }];
      });
      return [objectOf(kept)];
    });
    return { ...member, value: `[${tools.join(',')}]` };
  });
  return isChanged ? objectOf(members) : result;
}

/** Members that a legacy result is free to use for something else than the modern era does. */
function wrongMembers(response: Message, cacheable: boolean): ReadonlySet<string> {
  const wrong = new Set<string>();
  if (response.typeAt >= 0 && resultTypeOf(response) !== 'complete') wrong.add('resultType');
  if (!cacheable) return wrong;
  if (response.ttlAt >= 0 && !startsAt(/(?:0|[1-9]\d*)(?=[\s,}])/y, response, response.ttlAt)) {
    wrong.add('ttlMs');
  }
  if (response.scopeAt >= 0 && !startsAt(/"(?:public|private)"/y, response, response.scopeAt)) {
    wrong.add('cacheScope');
  }
  return wrong;
}

function startsAt(pattern: RegExp, { text }: Message, at: number): boolean {
  pattern.lastIndex = at;
  return pattern.test(text);
}

/** Members in front of those of the object that begins at `at`. */
function inFront({ text }: Message, at: number, members: Wire): Pick<Change, 'at' | 'value'> {
  let next = at + 1;
  while (text.charCodeAt(next) <= 0x20) next++;
  return { at: at + 1, value: text.charAt(next) === '}' ? members : `${members},` };
}

/** The code of an error; undefined where it has none. */
export function codeOf(error: Message): number | undefined {
  const code = memberOf(answerOf(error), 'code');
  return code === undefined ? undefined : Number(code);
}

/**
 * A legacy server's error as the modern era has it, which has replaced -32002 and keeps a range of codes to
 * itself: whatever a legacy server meant by one of those, it did not mean what a modern client reads in it
 * (2026-07-28, `basic/index`, "Error Codes"; `server/resources`, "Error Handling"). All others stay.
 */
export function modernError(error: Message): Message {
  const code = codeOf(error);
  if (code === McpErrorCode.ResourceNotFound) return withCode(error, ErrorCode.InvalidParams);
  if (code !== undefined && isReserved(code)) return withCode(error, ErrorCode.InternalError);
  return error;
}

/**
 * The error of a call that a server could not finish because it may not ask its client something (2026-07-28,
 * `basic/index`, "Per-request protocol fields"): the client may come back with the capabilities declared.
 *
 * @param missing the capabilities, those that are part of another as `elicitation.url`
 */
export function missingCapabilities(error: Message, missing: ReadonlySet<string>): Message {
  const names = [...missing].map((name) => `"${name}"`).join(', ');
  const reason = textOf(parseWire(memberOf(answerOf(error), 'message') ?? 'null'), '');
  const what = missing.size === 1 ? `capability ${names}` : `capabilities ${names}`;
  const text = `The server needs the client ${what} for this, which the request does not declare. ${reason}`;
  const requiredCapabilities: Record<string, Record<string, object>> = {};
  for (const name of missing) {
    const [whole = name, part] = name.split('.');
    const parts = requiredCapabilities[whole] ?? {};
    requiredCapabilities[whole] = part === undefined ? parts : { ...parts, [part]: {} };
  }
  return makeError(error.id ?? 'null', McpErrorCode.MissingClientCapability, text.trim(), {
    requiredCapabilities,
  });
}

function withCode(error: Message, code: number): Message {
  const members = membersOf(answerOf(error)).map((member) =>
    member.key === 'code' ? { ...member, value: String(code) } : member,
  );
  return withAnswer(error, objectOf(members)) ?? error;
}
