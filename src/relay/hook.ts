import type { MessageKind } from '../jsonrpc/message.js';

/** A message as a hook sees it. What is large in it is read when it is asked for. */
export interface HookMessage {
  readonly kind: MessageKind;
  /** Of a request or a notification. */
  readonly method: string | undefined;
  /** Of a request or an answer, as its client or server has it. */
  readonly id: string | number | null | undefined;
  /** Of a request or a notification; empty where it has none. */
  readonly params: Readonly<Record<string, unknown>>;
  /** Of a response. */
  readonly result: unknown;
  /** Of an error: `code`, `message` and perhaps `data`. */
  readonly error: unknown;
}

/**
 * What becomes of a message. Nothing: it goes on as it is, to the octet. `params`: a request or a notification goes on
 * with these. `result`, `error`: a request is answered so, and its receiver never hears of it; an answer is replaced.
 * `drop`: a notification goes no further.
 */
export type Verdict =
  | undefined
  | { readonly params: object }
  | { readonly result: object }
  | { readonly error: HookError }
  | { readonly drop: true };

/** An error of JSON-RPC. */
export interface HookError {
  readonly code: number;
  readonly message: string;
  readonly data?: unknown;
}

/** Sees each message before it goes on, and may answer or change it. What it throws is told to nobody outside. */
export type Hook = (
  message: HookMessage,
  from: 'client' | 'server',
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
) => Verdict | void | Promise<Verdict | void>;
