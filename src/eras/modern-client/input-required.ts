import { elementsOf, type Member, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, type Message } from '../../jsonrpc/message.js';
import { messageOf } from '../../jsonrpc/rewrite.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { META } from '../meta-keys.js';
import { responseAround } from './splice.js';

/**
 * What a legacy question becomes inside an `input_required`: raw JSON of its method and params, without what
 * only the legacy era has: the progress token, since no progress can be told; `task`; and `elicitationId`,
 * since completion is told by the retry (2026-07-28, `basic/patterns/mrtr`, "InputRequests";
 * `client/elicitation`, "URL Mode"). Undefined where it is nested too deeply to be put there.
 */
export function inputRequestOf(question: Message): Wire | undefined {
  const params =
    question.paramsAt < 0 ? undefined : question.text.slice(question.paramsAt, question.paramsEnd);
  const entry = entryOf(question.method ?? '', params);
  const probe = `{"jsonrpc":"2.0","id":0,"result":{"inputRequests":{"q":${entry}}}}`;
  return messageOf(probe) === undefined ? undefined : entry;
}

/**
 * The URLs that error -32042 asks a client to visit before it tries again, as entries of an `input_required`
 * (2025-11-25, `client/elicitation`, "URL Elicitation Required Error"). Empty where it names none.
 */
export function urlElicitationsOf(error: Message): Wire[] {
  const data = memberOf(answerOf(error), 'data') ?? '{}';
  return elementsOf(memberOf(data, 'elicitations') ?? '[]')
    .filter((one) => {
      const [mode, url, message] = ['mode', 'url', 'message'].map((key) => memberOf(one, key));
      const isUrl = mode === undefined || parseWire(mode) === 'url';
      return isUrl && url?.startsWith('"') && message?.startsWith('"');
    })
    .map((one) => {
      const others = membersOf(one).filter(({ key }) => key !== 'mode');
      return entryOf('elicitation/create', objectOf([{ rawKey: '"mode"', value: '"url"' }, ...others]));
    });
}

/**
 * @param id raw JSON of the id of the request that it answers
 * @param requests key and raw JSON of each entry
 * @param serverInfo raw JSON
 */
export function inputRequired(
  id: Wire,
  requests: readonly (readonly [key: string, entry: Wire])[],
  state: string,
  serverInfo: Wire | undefined,
): Message {
  const entries = objectOf(requests.map(([key, value]) => ({ rawKey: toWire(key), value })));
  const meta = serverInfo === undefined ? '' : `,"_meta":{"${META.serverInfo}":${serverInfo}}`;
  return responseAround(
    id,
    `{"resultType":"input_required","inputRequests":${entries},"requestState":${toWire(state)}${meta}}`,
  );
}

function entryOf(method: Wire, params: Wire | undefined): Wire {
  if (params === undefined) return `{"method":"${method}"}`;
  const members: Pick<Member, 'rawKey' | 'value'>[] = [];
  for (const member of membersOf(params)) {
    if (member.key === 'task' || member.key === 'elicitationId') continue;
    if (member.key !== '_meta') members.push(member);
    else {
      const rest = membersOf(member.value).filter(({ key }) => key !== 'progressToken');
      if (rest.length > 0) members.push({ rawKey: member.rawKey, value: objectOf(rest) });
    }
  }
  return `{"method":"${method}","params":${objectOf(members)}}`;
}
