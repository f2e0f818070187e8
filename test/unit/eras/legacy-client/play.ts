/**
 * A legacy client and a modern server that do anything legal, in any order, with the translator between them.
 * What either says is checked against its own revision's schema, and so is what either gets.
 */
import { expect } from 'vitest';
import { type Schema, type SchemaRevision, schemaOf } from '../../../fixtures/schemas.js';
import { FORM, inputRequired, LEVEL_KEY, ROOTS, read, SERVER_KEY, Stage, URL_QUESTION } from './stage.js';

const MODERN: Schema = schemaOf('2026-07-28');

/** Content that not every revision has. */
const AUDIO = { type: 'audio', data: 'AAAA', mimeType: 'audio/ogg; codecs=opus' };
const LINK = { type: 'resource_link', uri: 'file:///a', name: 'a' };

/** What a client asks, with what a server answers to it. */
const CACHE = { ttlMs: 5, cacheScope: 'private' };
const METHODS: readonly (readonly [string, object | undefined, readonly object[]])[] = [
  [
    'tools/call',
    { name: 't', arguments: { a: 1 } },
    [
      { content: [{ type: 'text', text: 'x' }], structuredContent: { a: 1 } },
      { content: [{ type: 'text', text: '[1]' }], structuredContent: [1] },
      { content: [], structuredContent: null, isError: false },
      { content: [AUDIO, LINK, { type: 'resource', resource: { uri: 'a:b', text: 'x' } }] },
    ],
  ],
  [
    'prompts/get',
    { name: 'p' },
    [
      { messages: [{ role: 'user', content: { type: 'text', text: 'x' } }] },
      { messages: [AUDIO, LINK].map((content) => ({ role: 'assistant', content })) },
    ],
  ],
  ['resources/read', { uri: 'a:b' }, [{ contents: [{ uri: 'a:b', text: 'x' }], ...CACHE }]],
  [
    'tools/list',
    undefined,
    [
      {
        tools: [
          { name: 'a', inputSchema: { type: 'object' }, outputSchema: { type: 'array' } },
          { name: 'b', inputSchema: { type: 'object' }, outputSchema: { type: 'object' } },
        ],
        ...CACHE,
      },
      ...[0, 1, 2].map((kind) => ({ tools: [toolOf(kind), toolOf(kind + 1)], ...CACHE })),
    ],
  ],
  ['prompts/list', { cursor: 'c' }, [{ prompts: [{ name: 'p' }], nextCursor: 'd', ...CACHE }]],
  ['resources/list', {}, [{ resources: [{ uri: 'a:b', name: 'r' }], ...CACHE }]],
  ['resources/templates/list', undefined, [{ resourceTemplates: [], ...CACHE }]],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'v' } },
    [{ completion: { values: ['w'] } }],
  ],
  ['x/unknown', { n: 1 }, [{ y: 1 }]],
];
const ASKING = 3;

/** What a client says that is not for the server. */
const LOCAL: readonly (readonly [string, object | undefined])[] = [
  ['ping', undefined],
  ['logging/setLevel', { level: 'info' }],
  ['logging/setLevel', { level: 'error' }],
  ['resources/subscribe', { uri: 'file:///a' }],
  ['resources/subscribe', { uri: 'file:///b' }],
  ['resources/unsubscribe', { uri: 'file:///a' }],
  ['resources/unsubscribe', { uri: 'file:///c' }],
];

const CODES = [-32602, -32603, -32002, -32000, 7] as const;
const UPDATES = ['tools', 'prompts', 'resources'] as const;

export interface Setting {
  readonly version: Exclude<SchemaRevision, '2026-07-28'>;
  readonly capabilities: object;
  readonly serverCapabilities: object;
}

interface Served {
  readonly text: string;
  readonly method: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into whatever is there
  readonly params: any;
  progress: number;
  /** Of a listen request: what the server has acknowledged. */
  honoured: { resourceSubscriptions?: string[]; [list: string]: unknown } | undefined;
}

export class Play {
  readonly stage = new Stage();
  readonly #setting: Setting;
  readonly #legacy: Schema;
  /** The client's open requests: their methods by raw id. */
  readonly open = new Map<string, string>();
  /** What the client is asked: the method, and the key of the call that it belongs to. */
  readonly #questions = new Map<string, { readonly method: string; readonly about: string | undefined }>();
  readonly #served = new Map<string, Served>();
  readonly #everyId = new Set<string>();
  readonly #progress = new Map<unknown, number>();
  readonly #tokens = new Map<string, unknown>();
  #nextId = 1;

  constructor(setting: Setting) {
    this.#setting = setting;
    this.#legacy = schemaOf(setting.version);
    const { version: protocolVersion, capabilities } = setting;
    this.#asks('initialize', { protocolVersion, capabilities, clientInfo: { name: 'c', version: '1' } });
    this.serves(0, 0, 'answer');
    expect(this.open.size).toBe(0);
    this.notifies('notifications/initialized');
  }

  // ── the client ──

  asks(what: number): void {
    const [method, params] = METHODS[what % METHODS.length] ?? [];
    const token = what % 4 < 3 ? this.#nextId : undefined;
    this.#asks(method ?? '', token === undefined ? params : { ...params, _meta: { progressToken: token } });
  }

  asksLocally(what: number): void {
    const [method, params] = LOCAL[what % LOCAL.length] ?? [];
    this.#asks(method ?? '', params);
  }

  #asks(method: string, params: object | undefined): void {
    const id = this.#nextId % 3 === 0 ? `"s${this.#nextId}"` : String(this.#nextId);
    this.#nextId++;
    const body = { jsonrpc: '2.0', id: JSON.parse(id), method, ...(params === undefined ? {} : { params }) };
    expect(this.#legacy.call('Client', body)).toBeUndefined();
    this.open.set(id, method);
    const token = read(JSON.stringify(body)).params?._meta?.progressToken;
    if (token !== undefined) this.#tokens.set(id, token);
    this.stage.client.says(JSON.stringify(body));
    this.check();
  }

  notifies(method: string, params?: object): void {
    const body = { jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) };
    expect(this.#legacy.call('Client', body)).toBeUndefined();
    this.stage.client.says(JSON.stringify(body));
    this.check();
  }

  /** The client gives a request up. Nothing is said of it from then on. */
  cancels(which: number): void {
    const id = pick([...this.open.keys()], which);
    if (id === undefined || this.open.get(id) === 'initialize') return;
    this.#close(id);
    this.notifies('notifications/cancelled', { requestId: JSON.parse(id) });
  }

  replies(which: number, how: number): void {
    const id = pick([...this.#questions.keys()], which);
    if (id === undefined) return;
    const { method } = this.#questions.get(id) ?? {};
    this.#questions.delete(id);
    const head = { jsonrpc: '2.0', id: JSON.parse(id) };
    const body =
      how % 5 === 4
        ? { ...head, error: { code: -1, message: 'no' } }
        : { ...head, result: replyTo(method, how) };
    this.stage.client.says(JSON.stringify(body));
    this.check();
  }

  #close(id: string): void {
    expect(this.open.delete(id)).toBe(true);
    this.#progress.delete(this.#tokens.get(id));
    this.#tokens.delete(id);
  }

  // ── the server ──

  /** The server does something about one of its open requests. */
  serves(which: number, what: number, how: 'answer' | 'ask' | 'fail' | 'say'): void {
    const entry = pick([...this.#served], which);
    if (entry === undefined) return;
    const [id, served] = entry;
    if (served.method === 'subscriptions/listen') this.#streams(id, served, what, how === 'fail');
    else if (how === 'say') this.#tellsOf(served, what);
    else if (how === 'fail') {
      this.#answers(id, { error: { code: CODES[what % CODES.length], message: 'no' } });
    } else if (how === 'ask' && METHODS.slice(0, ASKING).some(([method]) => method === served.method)) {
      this.#answers(id, { result: this.#questionsOf(served, what) });
    } else this.#answers(id, { result: this.#resultOf(served.method, what) });
  }

  #answers(id: string, answer: object): void {
    const served = this.#served.get(id);
    this.#served.delete(id);
    const body = { jsonrpc: '2.0', id: JSON.parse(id), ...answer };
    expect(MODERN.answer('Client', served?.method ?? '', body)).toBeUndefined();
    this.stage.server.says(JSON.stringify(body));
    this.check();
  }

  #resultOf(method: string, what: number): object {
    if (method === 'server/discover') {
      const { serverCapabilities: capabilities } = this.#setting;
      const _meta = { [SERVER_KEY]: { name: 's', version: '1' } };
      return { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities, ...CACHE, _meta };
    }
    const results = METHODS.find(([name]) => name === method)?.[2] ?? [];
    return { resultType: 'complete', ...pick(results, what) };
  }

  #questionsOf(served: Served, what: number): object {
    const declared = served.params._meta['io.modelcontextprotocol/clientCapabilities'];
    const questions: object[] = [];
    if (declared.elicitation?.url) questions.push(URL_QUESTION);
    if (declared.elicitation && (declared.elicitation.form || !declared.elicitation.url))
      questions.push(what % 3 === 0 ? FORM : formOf(what >> 2));
    if (declared.sampling)
      questions.push(declared.sampling.tools ? samplingOf(what) : plainSamplingOf(what >> 2));
    if (declared.roots) questions.push(ROOTS);
    const chosen = questions.filter((_, i) => (what >> i) % 2 === 0);
    if (chosen.length === 0) return inputRequired(undefined, `state ${what}`);
    const requests = Object.fromEntries(chosen.map((question, i) => [`k${i}`, question]));
    return inputRequired(requests, what % 3 === 0 ? undefined : `state ${what}`);
  }

  #tellsOf(served: Served, what: number): void {
    const { progressToken, [LEVEL_KEY]: level } = served.params._meta;
    if (what % 2 === 0 && progressToken !== undefined) {
      served.progress += what % 3 === 0 ? 0.5 : 1;
      this.#says('notifications/progress', { progressToken, progress: served.progress, total: 99 });
    } else if (level !== undefined) this.#says('notifications/message', { level, data: what });
  }

  #streams(id: string, served: Served, what: number, isEnd: boolean): void {
    const _meta = { 'io.modelcontextprotocol/subscriptionId': JSON.parse(id) };
    if (isEnd && what % 3 === 0) {
      this.#answers(id, { error: { code: -32603, message: 'no' } });
    } else if (isEnd) {
      if (what % 3 === 1) this.#says('notifications/cancelled', { requestId: JSON.parse(id) });
      // The answer may come all the same.
      this.#answers(id, { result: { resultType: 'complete', _meta } });
    } else if (served.honoured === undefined) {
      const { resourceSubscriptions: uris, ...lists } = served.params.notifications;
      const honoured = { ...lists, ...(uris ? { resourceSubscriptions: what % 4 === 3 ? [] : uris } : {}) };
      served.honoured = honoured;
      this.#says('notifications/subscriptions/acknowledged', { notifications: honoured, _meta });
    } else {
      const uri = pick(served.honoured.resourceSubscriptions ?? [], what);
      const list = pick(UPDATES, what);
      if (what % 2 === 0 && uri !== undefined) this.#says('notifications/resources/updated', { uri, _meta });
      else if (served.honoured[`${list}ListChanged`])
        this.#says(`notifications/${list}/list_changed`, { _meta });
    }
  }

  #says(method: string, params: object): void {
    const body = { jsonrpc: '2.0', method, params };
    // The published JSON schema has no cancellation of the server's in its union, though the pages ask for it.
    if (method !== 'notifications/cancelled') expect(MODERN.call('Server', body)).toBeUndefined();
    this.stage.server.says(JSON.stringify(body));
    this.check();
  }

  // ── what both got ──

  check(): void {
    for (const text of this.stage.server.take()) this.#serverGot(text);
    for (const { text, about } of this.stage.client.takeAll()) this.#clientGot(text, about);
    // Nobody is asked for the sake of a call that is over.
    for (const { about } of this.#questions.values()) expect(this.open.has(about ?? '')).toBe(true);
  }

  #serverGot(text: string): void {
    const body = JSON.parse(text);
    expect(body).toHaveProperty('method');
    expect(MODERN.call('Client', body)).toBeUndefined();
    if (body.id === undefined) {
      expect(body.method).toBe('notifications/cancelled');
      expect(this.#served.delete(JSON.stringify(body.params.requestId))).toBe(true);
      return;
    }
    const id = JSON.stringify(body.id);
    expect(this.#everyId.has(id)).toBe(false);
    this.#everyId.add(id);
    const { method, params } = body;
    this.#served.set(id, { text, method, params, progress: 0, honoured: undefined });
  }

  #clientGot(text: string, about: string | undefined): void {
    const body = JSON.parse(text);
    if (about !== undefined && body.method !== undefined && body.method !== 'notifications/cancelled') {
      expect(this.open.has(about)).toBe(true);
    }
    if (body.method === undefined) {
      const id = JSON.stringify(body.id);
      const method = this.open.get(id) ?? '';
      expect(this.#legacy.answer('Client', method, body)).toBeUndefined();
      this.#close(id);
      return;
    }
    expect(this.#legacy.call('Server', body)).toBeUndefined();
    if (body.id !== undefined) this.#questions.set(JSON.stringify(body.id), { method: body.method, about });
    else if (body.method === 'notifications/cancelled') {
      expect(this.#questions.delete(JSON.stringify(body.params.requestId))).toBe(true);
    } else if (body.method === 'notifications/progress') {
      const { progressToken: token, progress } = body.params;
      expect([...this.#tokens.values()]).toContain(token);
      expect(progress).toBeGreaterThan(this.#progress.get(token) ?? Number.NEGATIVE_INFINITY);
      this.#progress.set(token, progress);
    } else expect(JSON.stringify(body)).not.toContain('subscriptionId');
  }

  /** Everybody does what is left to do: every request gets its answer. */
  finish(): void {
    for (let turn = 0; turn < 100 && (this.open.size > 0 || this.#served.size > 0); turn++) {
      for (const id of [...this.#questions.keys()]) {
        if (this.#questions.has(id)) this.replies([...this.#questions.keys()].indexOf(id), 0);
      }
      for (const [id, served] of [...this.#served]) {
        if (!this.#served.has(id)) continue;
        const isOpenStream = served.method === 'subscriptions/listen' && served.honoured !== undefined;
        if (!isOpenStream) this.serves([...this.#served.keys()].indexOf(id), 0, 'answer');
      }
      this.stage.clock.advance(1000);
      this.check();
    }
    expect([...this.open]).toEqual([]);
    expect([...this.#questions]).toEqual([]);
    expect([...this.#served.values()].filter(({ method }) => method !== 'subscriptions/listen')).toEqual([]);
    expect([...this.#served.values()].length).toBeLessThanOrEqual(1);
    expect(this.stage.events.filter(({ level }) => level === 'error')).toEqual([]);
  }
}

function pick<T>(list: readonly T[], which: number): T | undefined {
  return list.length === 0 ? undefined : list[which % list.length];
}

/** Tools with schemas that 2026-07-28 allows, and earlier revisions do not. */
function toolOf(kind: number): object {
  const schemas = [true, false, { type: 'string' }];
  const properties = { a: schemas[kind % 3], b: schemas[(kind + 1) % 3], c: { properties: { d: true } } };
  const outputs = [{ type: 'array' }, { type: 'object', properties }, { properties }, true];
  const outputSchema = outputs[kind % 4];
  const inputSchema = { type: 'object', properties, additionalProperties: false };
  return { name: `t${kind}`, inputSchema, ...(outputSchema === true ? {} : { outputSchema }) };
}

/** A question about a dialogue with tools, the result of one of which is of any type. */
function samplingOf(what: number): object {
  const structuredContent = [[1], { a: 1 }, null, 'x', 1.5][what % 5];
  const content = what % 2 === 0 ? [] : [{ type: 'text', text: 'said' }];
  const used = { type: 'tool_use', id: 'u', name: 't', input: {} };
  const result = { type: 'tool_result', toolUseId: 'u', content, structuredContent };
  const messages = [
    { role: 'user', content: { type: 'text', text: 'hi' } },
    { role: 'assistant', content: [used] },
    { role: 'user', content: what % 4 < 2 ? result : [result] },
  ];
  const params = { messages, maxTokens: 1, tools: [toolOf(what), toolOf(what + 1)] };
  return { method: 'sampling/createMessage', params };
}

/** A question about a dialogue without tools, whose messages have any number of contents. */
function plainSamplingOf(what: number): object {
  const text = { type: 'text', text: 'said' };
  const contents = [text, [text], [text, text], [], AUDIO, [text, AUDIO]];
  const messages = [text, contents[what % contents.length]].map((content) => ({ role: 'user', content }));
  return { method: 'sampling/createMessage', params: { messages, maxTokens: 1 } };
}

/** A question with the forms that 2025-11-25 has added. */
function formOf(what: number): object {
  const options = [{ const: 'x', title: 'X' }];
  const schemas = [
    { type: 'string', oneOf: options, default: 'x' },
    { type: 'array', items: { type: 'string', enum: ['x'] } },
    { type: 'integer', default: 1 },
    { type: 'array', items: { anyOf: options } },
  ];
  const requestedSchema = { type: 'object', properties: { a: schemas[what % 4], b: { type: 'boolean' } } };
  return { method: 'elicitation/create', params: { mode: 'form', message: 'm', requestedSchema } };
}

function replyTo(method: string | undefined, how: number): object {
  if (method === 'roots/list') return { roots: [{ uri: 'file:///a' }] };
  if (method === 'elicitation/create') return { action: how % 2 === 0 ? 'accept' : 'decline' };
  return { role: 'assistant', content: { type: 'text', text: 'x' }, model: 'm' };
}
