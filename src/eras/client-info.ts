import { asRecord, type Message, paramsOf, textOf } from '../jsonrpc/message.js';

/** Characters of a name or a version that are kept. */
const MAX_SHOWN = 200;

/** What a client says of itself. */
export interface ClientInfo {
  readonly name: string;
  readonly version: string;
}

/** The client's name and version in its `initialize`. */
export function clientInfoOf(initialize: Message): ClientInfo {
  return clientInfo(paramsOf(initialize).clientInfo);
}

/** A client's name and version, of what it says of itself. */
export function clientInfo(said: unknown): ClientInfo {
  const { name, version } = asRecord(said);
  return { name: shown(name), version: shown(version) };
}

function shown(text: unknown): string {
  return textOf(text, 'unknown').slice(0, MAX_SHOWN);
}
