import { keyOf, type Message } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { type Failure, foreign } from '../../remote/failure.js';
import { readMessages } from '../../remote/messages.js';
import type { UpstreamSession } from './upstream-session.js';

export interface AskOptions {
  readonly session: UpstreamSession;
  /** For texts. */
  readonly where: string;
  readonly mask: (text: string) => string;
  /** Milliseconds until the answer must be there. */
  readonly limit: number;
  /** Milliseconds that the server has to end the stream after its answer. */
  readonly grace: number;
  /** What else the server says on the same stream. */
  readonly heard: (message: Message) => void;
  /** Gives it up. */
  readonly signal: AbortSignal;
}

/** `message`: the answer, of either kind; absent for what is not answered, which was taken. */
export type Reply =
  | { readonly message?: Message; readonly failure?: never }
  | { readonly failure: Failure; readonly message?: never };

/** Posts a message of the proxy's own and waits for its answer, or, with no id, until it is taken. */
export function ask(message: Message, options: AskOptions): Promise<Reply> {
  const { session, where, mask, limit, grace, heard, signal } = options;
  const what = message.method ?? message.kind;
  return new Promise((resolve) => {
    const settle = (reply: Reply): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      resolve(reply);
    };
    const fail = (kind: Failure['kind'], text: string): void => settle({ failure: { kind, text } });
    const answered = (answer: Message | undefined): void => {
      settle(answer === undefined ? {} : { message: answer });
      setTimeout(() => post.abort(), grace).unref();
    };
    const take = (text: Wire): string | undefined =>
      readMessages(
        text,
        (item) => {
          const isAnswer = item.kind === 'response' || item.kind === 'error';
          if (!isAnswer) heard(item);
          else if (message.id !== undefined && keyOf(item.id ?? 'null') === keyOf(message.id)) answered(item);
        },
        () => undefined,
      );
    const post = session.post(message, undefined, {
      accepted: (headers) => {
        if (message.method === 'initialize') session.begin(headers);
        if (message.id === undefined) answered(undefined);
      },
      event: ({ type, data }) => {
        if (type === 'message' && data !== '') take(data);
      },
      body: (text, type) => {
        if (message.id !== undefined && take(text) !== undefined) {
          settle({ failure: foreign(where, text, type, mask) });
        }
      },
      ended: () => fail('lost', `${where} ended its answer before it had answered "${what}".`),
      failed: (failure) => settle({ failure }),
    });
    const giveUp = (): void => {
      post.abort();
      fail('lost', `"${what}" was given up.`);
    };
    const timer = setTimeout(() => {
      post.abort();
      fail('timeout', `${where} did not answer "${what}" within ${Math.round(limit / 1000)} s.`);
    }, limit);
    signal.addEventListener('abort', giveUp);
  });
}
