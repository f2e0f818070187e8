import type { Message } from '../jsonrpc/message.js';
import { decodeWire } from '../jsonrpc/wire.js';
import type { Conversation } from './conversation.js';
import type { Emit } from './events.js';
import type { Exchange, Observer, Side } from './exchanges.js';

/** Characters of what a peer has chosen, a method or an id. */
const LONGEST = 100;

/** Tells the head of every message to the log, at `debug`: never what is in it. */
export class MessageHeads implements Observer {
  readonly #emit: Emit;

  constructor(emit: Emit) {
    this.#emit = emit;
  }

  passed(conversation: Conversation, from: Side, message: Message, exchange: Exchange | undefined): void {
    const { kind, id, text } = message;
    const session = conversation.shownId;
    const method = shown(message.method ?? exchange?.method);
    const fields = { session, from, kind, method, id: shown(id), octets: text.length };
    const what = [kind, method, fields.id].filter((part) => part !== undefined).join(' ');
    const where = session === undefined ? '' : `, session ${session}`;
    this.#emit({
      level: 'debug',
      text: `from the ${from}: ${what}, ${text.length} octets${where}`,
      server: conversation.server,
      fields,
    });
  }
}

function shown(text: string | undefined): string | undefined {
  return text === undefined ? undefined : decodeWire(text.slice(0, LONGEST));
}
