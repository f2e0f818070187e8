/** One small interface over the official clients, so that a test runs with each. */

export type Json = Readonly<Record<string, unknown>>;

export interface Heard {
  readonly method: string;
  readonly params: Json;
}

/** A JSON-RPC error as it came; `message` without what an SDK puts in front of it. */
export class RpcError extends Error {
  readonly code: number;
  readonly data: unknown;
  constructor(code: number, message: string, data: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

export interface RequestOptions {
  readonly progress?: (progress: Json) => void;
  readonly signal?: AbortSignal;
}

/** What a client speaks: one era, or whatever it finds the server to speak. */
type Era = 'legacy' | 'auto' | 'modern';

/** What a client of the modern era listens to. */
export interface Listening {
  /** What of the filter the server honours. */
  readonly honoured: Json;
  /** How it ended: by the server's word, or without one. */
  readonly ended: Promise<'graceful' | 'remote' | 'local'>;
  close(): Promise<void>;
}

/** By method; a method without an entry gets -32601. May throw an RpcError. */
export type Answers = Readonly<Record<string, (params: Json) => Json | Promise<Json>>>;

/** How a client presents itself, and what it answers when it is asked. */
export interface ClientOptions {
  readonly name?: string;
  /** SDK v2 only, but for `legacy`, which is the default. */
  readonly era?: Era;
  readonly capabilities?: Json;
  readonly answers?: Answers;
  readonly headers?: Readonly<Record<string, string>>;
}

/** How to reach a server. */
export type Target =
  | {
      readonly kind: 'stdio';
      readonly command: readonly [string, ...string[]];
      readonly env?: Readonly<Record<string, string>>;
    }
  | { readonly kind: 'sse' | 'streamable'; readonly url: string };

/** What an SDK's client does, adapted by sdk-v1.ts and sdk-v2.ts. */
export interface SdkClient {
  request(method: string, params: Json, options: RequestOptions): Promise<Json>;
  notify(method: string, params: Json): Promise<void>;
  /** Opens a subscription; what comes on it is heard like all notifications. The modern era only. */
  listen(filter: Json): Promise<Listening>;
  info(): Info;
  close(): Promise<void>;
}

/** What a client knows of its server. */
interface Info {
  readonly era: 'legacy' | 'modern';
  readonly server: unknown;
  readonly capabilities: unknown;
  readonly instructions: string | undefined;
}

export type Connect = (
  target: Target,
  options: Required<Omit<ClientOptions, 'name'>> & { readonly clientInfo: Json },
  heard: (notification: Heard) => void,
) => Promise<SdkClient>;

/** A line of 10 MiB and more must fit into what an SDK's stdio client takes. */
export const MAX_LINE = 64 * 1024 * 1024;

/** No test waits for this; an SDK's own time limit must not end a call on a loaded machine. */
export const PATIENCE = 300_000;

export class TestClient {
  readonly #sdk: SdkClient;
  readonly #heard: Heard[];
  readonly #waiting: Set<() => void>;

  private constructor(sdk: SdkClient, heard: Heard[], waiting: Set<() => void>) {
    this.#sdk = sdk;
    this.#heard = heard;
    this.#waiting = waiting;
  }

  static async connect(connect: Connect, target: Target, options: ClientOptions = {}): Promise<TestClient> {
    const heard: Heard[] = [];
    const waiting = new Set<() => void>();
    const sdk = await connect(
      target,
      {
        clientInfo: { name: options.name ?? 'e2e', version: '0.0.7', title: 'End to end' },
        capabilities: options.capabilities ?? {},
        answers: options.answers ?? {},
        headers: options.headers ?? {},
        era: options.era ?? 'legacy',
      },
      (notification) => {
        heard.push(notification);
        for (const look of [...waiting]) look();
      },
    );
    return new TestClient(sdk, heard, waiting);
  }

  request(method: string, params: Json = {}, options: RequestOptions = {}): Promise<Json> {
    return this.#sdk.request(method, params, options);
  }

  /** Calls a tool; returns its structuredContent. */
  async call(tool: string, args: Json = {}, options: RequestOptions = {}): Promise<Json> {
    const { structuredContent } = await this.request('tools/call', { name: tool, arguments: args }, options);
    return asJson(structuredContent);
  }

  notify(method: string, params: Json = {}): Promise<void> {
    return this.#sdk.notify(method, params);
  }

  listen(filter: Json): Promise<Listening> {
    return this.#sdk.listen(filter);
  }

  info(): Info {
    return this.#sdk.info();
  }

  /**
   * The same from the server itself: where the proxy has answered discovery in place of a server that took long,
   * as on a machine that is busy, it is asked again.
   */
  async told(): Promise<Info> {
    const info = this.info();
    if (!JSON.stringify(info.server).includes('"mcp-proxy"')) return info;
    const { capabilities, instructions, _meta } = await this.request('server/discover');
    const server = (_meta as Json)['io.modelcontextprotocol/serverInfo'];
    return { era: info.era, server, capabilities, instructions: instructions as string | undefined };
  }

  /** Waits for a notification that fits, takes it from what was heard, and returns its params. */
  hear(method: string, fits: (params: Json) => boolean = () => true): Promise<Json> {
    return new Promise((resolve) => {
      const look = () => {
        const at = this.#heard.findIndex((one) => one.method === method && fits(one.params));
        const [found] = at < 0 ? [] : this.#heard.splice(at, 1);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found.params);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** What was heard of a method and not yet taken. */
  left(method: string): Json[] {
    return this.#heard.filter((one) => one.method === method).map(({ params }) => params);
  }

  close(): Promise<void> {
    return this.#sdk.close();
  }
}

/** An object of JSON; an error on anything else. */
export function asJson(value: unknown): Json {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`not an object: ${JSON.stringify(value)}`);
  }
  return { ...value };
}
