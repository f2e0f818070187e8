import { membersOf } from '../../jsonrpc/members.js';
import { asRecord } from '../../jsonrpc/message.js';
import { parseWire, type Wire } from '../../jsonrpc/wire.js';

/** What a legacy server said of itself in its handshake, as far as answers to modern requests need it. */
export interface ServerFacts {
  /** Raw JSON of `serverInfo`; undefined where it is no object. */
  readonly serverInfo: Wire | undefined;
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/** Remembers the last handshake that was read: the sessions of one server mostly begin alike. */
export function factsReader(): (initialized: Wire) => ServerFacts {
  let last: { readonly initialized: Wire; readonly facts: ServerFacts } | undefined;
  return (initialized) => {
    if (last?.initialized !== initialized) last = { initialized, facts: factsOf(initialized) };
    return last.facts;
  };
}

/** @param initialized raw result of `initialize` */
function factsOf(initialized: Wire): ServerFacts {
  const members = new Map(membersOf(initialized).map(({ key, value }) => [key, value]));
  const serverInfo = members.get('serverInfo');
  return {
    serverInfo: serverInfo?.startsWith('{') ? serverInfo : undefined,
    capabilities: asRecord(parseWire(members.get('capabilities') ?? '{}')),
  };
}
