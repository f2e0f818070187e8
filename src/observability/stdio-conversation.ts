import { type ClientInfo, clientInfo } from '../eras/client-info.js';
import { claimsModern, readEnvelope } from '../eras/envelope.js';
import type { Era } from '../eras/versions.js';
import { type Message, paramsOf, textOf } from '../jsonrpc/message.js';
import type { Conversation } from './conversation.js';

/** The one conversation of client mode. Who the client is shows in what it sends. */
export class StdioConversation implements Conversation {
  readonly server: string;
  readonly shownId = undefined;
  readonly transport = 'stdio';
  readonly principal = undefined;
  #era: Era = 'legacy';
  #client: ClientInfo | undefined;
  #version: string | undefined;

  /** @param server what the server is called */
  constructor(server: string) {
    this.server = server;
  }

  get era(): Era {
    return this.#era;
  }

  get client(): ClientInfo | undefined {
    return this.#client;
  }

  /** The one that the client has asked for last. */
  version(): string | undefined {
    return this.#version;
  }

  /** Takes note of what the client says of itself. */
  hear(message: Message): void {
    if (message.kind !== 'request') return;
    if (message.method === 'initialize') {
      const { clientInfo: said, protocolVersion } = paramsOf(message);
      this.#era = 'legacy';
      this.#client = clientInfo(said);
      this.#version = textOf(protocolVersion, 'unknown');
    } else if (claimsModern(message) && this.#era !== 'modern') {
      const envelope = readEnvelope(message);
      if (typeof envelope === 'string') return;
      this.#era = 'modern';
      this.#client = clientInfo(envelope.clientInfo);
      this.#version = envelope.version;
    }
  }
}
