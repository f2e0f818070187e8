import type { Message } from '../../jsonrpc/message.js';
import { negotiatedVersion } from '../../relay/negotiated-version.js';
import type { AnswerHeaders } from '../../remote/answer-headers.js';
import { exchange, type Reading } from '../../remote/exchange.js';
import type { Exchange } from '../../remote/http.js';
import type { UpstreamOptions } from '../../remote/remote-link.js';
import { bodyOf } from '../octets.js';
import { traceHeaders } from '../trace-headers.js';

/** What one handshake with the server left for every later request: session id and version. */
export class UpstreamSession {
  readonly #options: UpstreamOptions;
  readonly #goodbye: number;
  #id: string | undefined;
  #version: string | undefined;
  #gone = false;

  /** @param goodbye the longest time, in ms, that the server has to take the end of a session */
  constructor(options: UpstreamOptions, goodbye: number) {
    this.#options = options;
    this.#goodbye = goodbye;
  }

  get id(): string | undefined {
    return this.#id;
  }

  get version(): string | undefined {
    return this.#version;
  }

  /** The server has said that it does not know this session. */
  get gone(): boolean {
    return this.#gone;
  }

  lose(): void {
    this.#gone = true;
  }

  /** Takes the session id that comes with the answer to `initialize`: visible ASCII only. */
  begin(headers: AnswerHeaders): void {
    const id = headers['mcp-session-id'];
    if (id !== undefined && /^[\x21-\x7e]+$/.test(id)) this.#id = id;
  }

  /** Takes the version from the answer to `initialize`. */
  agree(answer: Message): void {
    this.#version = negotiatedVersion(answer);
  }

  headers(own: Readonly<Record<string, string>>): Record<string, string> {
    const headers: Record<string, string> = { ...own };
    if (this.#id !== undefined) headers['mcp-session-id'] = this.#id;
    if (this.#version !== undefined) headers['mcp-protocol-version'] = this.#version;
    return headers;
  }

  /**
   * Posts one message.
   * @param headTimeout ms until the answer must have begun; undefined: as long as it takes
   */
  post(message: Message, headTimeout: number | undefined, reading: Reading): Exchange {
    const headers = this.headers({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...traceHeaders(message),
    });
    const body = bodyOf(message);
    const limit = headTimeout === undefined ? {} : { headTimeout };
    const { http, url } = this.#options;
    return exchange(http, { method: 'POST', url, headers, body, ...limit }, reading);
  }

  /** Asks for a stream, after the event with that id where one is given. */
  get(lastEventId: string | undefined, reading: Reading): Exchange {
    const resume = lastEventId === undefined ? {} : { 'last-event-id': lastEventId };
    const headers = this.headers({ accept: 'text/event-stream', ...resume });
    return exchange(this.#options.http, { method: 'GET', url: this.#options.url, headers }, reading);
  }

  /** Forgets the session and tells the server, which may say that this is not for clients to do (405). */
  end(): Promise<void> {
    if (this.#id === undefined || this.#gone) return Promise.resolve();
    const headers = this.headers({});
    this.#id = undefined;
    this.#version = undefined;
    const { url, http, emit } = this.#options;
    return new Promise((resolve) => {
      exchange(
        http,
        { method: 'DELETE', url, headers, headTimeout: this.#goodbye },
        {
          accepted: () => resolve(),
          event: () => undefined,
          body: () => undefined,
          ended: () => resolve(),
          failed: ({ status, text }) => {
            if (status !== 404 && status !== 405) {
              emit({ level: 'debug', text: `The session was not ended: ${text}` });
            }
            resolve();
          },
        },
      );
    });
  }
}
