import { keyOf, type Message } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { exchange } from '../../remote/exchange.js';
import { type Failure, foreign } from '../../remote/failure.js';
import type { HttpClient, HttpRequest } from '../../remote/http.js';
import { readMessages } from '../../remote/messages.js';

/** What a request came to: `message`, a response or error under a status of 2xx, or no such answer. */
export type ModernReply =
  | { readonly message: Message; readonly failure?: never }
  | { readonly failure: Failure; readonly message?: never };

/**
 * Sends a request of the proxy's own to a modern server, and waits for its answer. What else the server says
 * about it is dropped. Never rejects.
 *
 * @param id raw JSON of the request's id
 * @param limit ms until the whole answer must be there
 */
export function askModern(
  http: HttpClient,
  request: HttpRequest,
  id: Wire,
  limit: number,
  signal: AbortSignal,
): Promise<ModernReply> {
  const where = http.describe(request.url);
  return new Promise((resolve) => {
    const settle = (reply: ModernReply): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(reply);
    };
    const fail = (kind: Failure['kind'], text: string): void => settle({ failure: { kind, text } });
    const take = (text: Wire): string | undefined =>
      readMessages(
        text,
        (message) => {
          const isAnswer = message.kind === 'response' || message.kind === 'error';
          const isMine = message.id === undefined || message.id === 'null' || keyOf(message.id) === keyOf(id);
          if (!isAnswer || !isMine) return;
          settle({ message });
          // Not in the middle of its own call.
          setImmediate(() => post.abort());
        },
        () => undefined,
      );
    const post = exchange(http, request, {
      event: ({ type, data }) => {
        if (type === 'message' && data !== '') take(data);
      },
      body: (text, type) => {
        if (take(text) !== undefined)
          settle({ failure: foreign(where, text, type, (words) => http.mask(words)) });
      },
      ended: () => fail('foreign', `${where} took the request and did not answer it.`),
      failed: (failure) => settle({ failure }),
    });
    const giveUp = (): void => {
      post.abort();
      fail('lost', 'The request was given up.');
    };
    const timer = setTimeout(() => {
      post.abort();
      fail('timeout', `${where} did not answer within ${Math.max(1, Math.round(limit / 1000))} s.`);
    }, limit);
    if (signal.aborted) giveUp();
    else signal.addEventListener('abort', giveUp);
  });
}
