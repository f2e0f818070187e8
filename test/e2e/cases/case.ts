/** One thing that must pass through, whatever stands between client and server. */
import type { ClientOptions, Json, TestClient } from '../harness/client.js';
import { asJson, RpcError } from '../harness/client.js';

/** What not every way to a server has, whoever stands in the middle. */
export type Need =
  /** The client says that it can be asked. */
  | 'asking'
  /**
   * Calls at once meet the same process. Modern clients whom nobody can tell apart, and who can be asked, have a
   * process for each call of a legacy server, or a question might reach the wrong person.
   */
  | 'one process'
  /**
   * Calls at once may all ask. Where one legacy process serves everybody, and on the one stream of HTTP+SSE,
   * nothing says which call a question belongs to.
   */
  | 'asking at once'
  /** The server is greeted by its client, and not by the proxy for everybody. */
  | 'own greeting'
  /** Lines of 10 MiB, which the SDK's servers on stdio take seconds to read: once for each kind of way. */
  | 'long lines';

export interface Case {
  readonly title: string;
  readonly needs?: readonly Need[];
  /** Where it can only be had by a client, or from a server, of one era. */
  readonly client?: 'legacy' | 'modern';
  readonly server?: 'legacy' | 'modern';
  run(client: TestClient): Promise<void>;
}

/** What the client of the cases declares: it can be asked everything. */
export const CAPABILITIES: Json = {
  roots: { listChanged: true },
  sampling: { tools: {}, context: {} },
  elicitation: { form: {}, url: {} },
  tasks: { list: {}, cancel: {}, requests: { elicitation: { create: {} } } },
  experimental: { 'com.example/client': { colour: 'green' } },
};

export const ROOTS = [{ uri: 'file:///tmp/a%20b', name: 'räum', _meta: { 'com.example/root': 1 } }];

/** Questions of a server that are left open until the server cancels them, or for ever. */
const forever = new Promise<Json>(() => undefined);

/** The client of the cases. What it is asked comes back in its answers, so that a test sees both ways. */
export const ASKABLE: ClientOptions = {
  name: 'askable',
  capabilities: CAPABILITIES,
  answers: {
    ping: () => ({}),
    'roots/list': () => ({ roots: ROOTS, _meta: { 'com.example/answer': 'roots' } }),
    'sampling/createMessage': (params) => {
      if (params.refuse !== undefined)
        throw new RpcError(-1, 'User rejected sampling', { asked: params.refuse });
      const text = JSON.stringify(params);
      return {
        role: 'assistant',
        model: 'm-1',
        stopReason: 'endTurn',
        content: { type: 'text', text },
        _meta: { 'com.example/answer': 'sampled' },
      };
    },
    'elicitation/create': (params) => ({
      action: 'accept',
      ...(params.mode === 'url' ? {} : { content: { said: String(params.message) } }),
      _meta: { 'com.example/answer': 'elicited' },
    }),
    'x/ask': (params) => ({ asked: params, more: [1, { two: 'zwei' }] }),
    'x/stuck': () => forever,
  },
};

/** The same client, if it could not be asked anything. */
export const UNASKABLE: ClientOptions = { name: 'askable' };

/**
 * The progress of one call. A test waits for all of it before it lets the call end: both SDKs drop progress
 * that stands right before the answer, since they hand it on a tick later and have forgotten the token by then.
 */
export class Progress {
  readonly heard: Json[] = [];
  #wake: () => void = () => undefined;

  readonly push = (one: Json): void => {
    this.heard.push(one);
    this.#wake();
  };

  /** Resolves once there are so many. */
  count(least: number): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        if (this.heard.length >= least) resolve();
      };
      this.#wake();
    });
  }
}

const SERVER_INFO = 'io.modelcontextprotocol/serverInfo';

/** A result without what the modern era adds to every one of its kind. */
export function plain(result: Json): Json {
  const { resultType, ttlMs, cacheScope, _meta, ...own } = result;
  if (_meta === undefined) return own;
  const { [SERVER_INFO]: _, ...meta } = asJson(_meta);
  return Object.keys(meta).length === 0 ? own : { ...own, _meta: meta };
}

let last = 0;

/** A name that no other case uses on the same server. */
export function unique(what: string): string {
  last += 1;
  return `${what}-${process.pid}-${last}`;
}
