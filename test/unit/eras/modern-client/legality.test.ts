import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { schemaOf } from '../../../fixtures/schemas.js';
import { req } from '../../../requirements.js';
import type { MemoryLink } from '../../relay/memory-link.js';
import { type Asker, type Asking, read, request, Stage, SUBSCRIPTION } from './stage.js';

/**
 * For any sequence of what each side may say, the other sees only what its own era allows: checked against
 * the schema that each revision publishes, and against what a schema does not say (one answer for each
 * request, nothing after it, no id twice, no question that was not declared, nothing left behind).
 */

const LEGACY = schemaOf('2025-11-25');
const MODERN = schemaOf('2026-07-28');

const INITIALIZED = JSON.stringify({
  protocolVersion: '2025-11-25',
  capabilities: {
    tools: { listChanged: true },
    resources: { subscribe: true },
    prompts: {},
    logging: {},
    completions: {},
    tasks: { list: {} },
  },
  serverInfo: { name: 'legacy', version: '1' },
});

/** What a client asks, and what a legacy server may answer to it. */
const REQUESTS: readonly (readonly [method: string, params: object, result: object])[] = [
  ['tools/call', { name: 't', arguments: { a: 1 } }, { content: [{ type: 'text', text: 'é' }] }],
  ['tools/call', { name: 'u', task: {} }, { content: [], isError: true, _meta: { a: 1 } }],
  ['prompts/get', { name: 'p' }, { messages: [] }],
  ['resources/read', { uri: 'a:/b' }, { contents: [], ttlMs: 'soon', cacheScope: 'mine' }],
  ['tools/list', {}, { tools: [], nextCursor: 'n', resultType: 'page' }],
  ['resources/templates/list', { cursor: 'c' }, { resourceTemplates: [] }],
  [
    'completion/complete',
    { ref: { type: 'ref/prompt', name: 'p' }, argument: { name: 'a', value: 'v' } },
    { completion: { values: [] } },
  ],
  ['x/y', { requestState: 's', inputResponses: {} }, { resultType: 1 }],
  ['server/discover', {}, {}],
  [
    'subscriptions/listen',
    { notifications: { toolsListChanged: true, resourceSubscriptions: ['a:/b', 'c:/d'] } },
    {},
  ],
  ['ping', {}, {}],
];

const ERRORS: readonly object[] = [
  { code: -32002, message: 'none' },
  { code: -32603, message: 'm', data: 1 },
  {
    code: -32042,
    message: 'm',
    data: { elicitations: [{ mode: 'url', elicitationId: 'e', url: 'https://a/', message: 'm' }] },
  },
];

const FORM = { message: 'm', requestedSchema: { type: 'object', properties: { a: { type: 'string' } } } };
const QUESTIONS: readonly (readonly [method: string, params: object | undefined])[] = [
  ['roots/list', undefined],
  ['roots/list', { _meta: { progressToken: 1 } }],
  ['elicitation/create', FORM],
  ['elicitation/create', { mode: 'url', elicitationId: 'e', url: 'https://a/', message: 'm' }],
  ['sampling/createMessage', { messages: [], maxTokens: 1, _meta: { progressToken: 1 } }],
  ['sampling/createMessage', { messages: [], maxTokens: 1, tools: [] }],
  ['ping', undefined],
];

const RESPONSES: Readonly<Record<string, object>> = {
  'roots/list': { roots: [{ uri: 'file:///a' }] },
  'elicitation/create': { action: 'accept', content: { a: 'b' } },
  'sampling/createMessage': { role: 'assistant', model: 'm', content: { type: 'text', text: 't' } },
};

const SAID: readonly (readonly [method: string, params: object | undefined])[] = [
  ['notifications/message', { level: 'error', data: { a: 1 } }],
  ['notifications/message', { level: 'debug', data: 'x' }],
  ['notifications/progress', { progressToken: 't', progress: 1 }],
  ['notifications/progress', { progressToken: 't', progress: 2, total: 3, message: 'm' }],
  ['notifications/progress', { progressToken: 'u', progress: 1 }],
  ['notifications/tools/list_changed', undefined],
  ['notifications/tools/list_changed', { _meta: { a: 1 } }],
  ['notifications/prompts/list_changed', undefined],
  ['notifications/resources/updated', { uri: 'a:/b/c' }],
  ['notifications/elicitation/complete', { elicitationId: 'e' }],
  [
    'notifications/tasks/status',
    { taskId: 'T', status: 'working', createdAt: 'x', lastUpdatedAt: 'x', ttl: null },
  ],
];

const CAPABILITIES: readonly object[] = [
  {},
  { roots: {} },
  { elicitation: {} },
  { sampling: {}, elicitation: { url: {} } },
  { sampling: { tools: {} }, elicitation: { form: {}, url: {} }, roots: {} },
];

const ACKNOWLEDGED = 'notifications/subscriptions/acknowledged';
const WAITS = [1, 30, 200, 5_000, 11 * 60_000];
const ENDS = ['failed', 'stopping', 'idle', 'ended'] as const;

interface Client {
  readonly asker: Asker;
  readonly id: number;
  readonly method: string;
  readonly params: object;
  readonly result: object;
  readonly asking: Asking;
  readonly session: number;
  questions: Readonly<Record<string, { method: string }>>;
  state: string | undefined;
  answered: boolean;
  left: boolean;
  /** The last progress that it heard of; of a subscription, whether it was acknowledged. */
  progress: number;
}

class Play {
  readonly stage = new Stage({ parked: 3 }, INITIALIZED);
  readonly clients: Client[] = [];
  /** Requests that each session's server has not answered, and questions that it asked. */
  readonly open = new Map<MemoryLink, Map<string, string>>();
  readonly asked = new Map<MemoryLink, Map<number, string>>();
  readonly ids = new Set<unknown>();
  readonly lost = new Set<MemoryLink>();
  #id = 0;

  /** A client asks something, or tries again. */
  asks(what: number, who: number, from?: Client): void {
    const [method, params, result] = from ? [from.method, from.params, from.result] : pick(REQUESTS, what);
    const asking: Asking = {
      capabilities: pick(CAPABILITIES, who),
      ...(what % 3 === 0 ? { logLevel: pick(['debug', 'warning'], who) } : {}),
      ...(who % 3 === 0 ? {} : { token: pick(['t', 'u', 'v'], who) }),
    };
    const more =
      from === undefined ? {} : { requestState: from.state, inputResponses: this.#responses(from, what) };
    this.#id += 1;
    const text = request(this.#id, method, { ...params, ...more }, asking);
    const asker = this.stage.prepare(text, asking);
    const client: Client = {
      asker,
      id: this.#id,
      method,
      params,
      result,
      asking,
      session: 0,
      questions: {},
      state: undefined,
      answered: false,
      left: false,
      progress: -1,
    };
    asker.onMessage = (got) => this.#clientGets(client, read(got));
    this.clients.push(client);
    asker.says(text);
    this.serversGet();
  }

  #responses(from: Client, what: number): object {
    const entries = Object.entries(from.questions)
      .filter((_, index) => what % 4 !== 0 || index % 2 === 0)
      .map(([key, { method }]) => [key, RESPONSES[method] ?? {}]);
    return { ...Object.fromEntries(entries), ...(what % 5 === 0 ? { extra: { action: 'cancel' } } : {}) };
  }

  #clientGets(client: Client, message: Record<string, unknown>): void {
    if (client.answered || client.left) throw new Error(`too late: ${JSON.stringify(message)}`);
    const wrong =
      'method' in message
        ? 'id' in message
          ? 'a request'
          : MODERN.call('Server', message)
        : MODERN.answer('Client', client.method, message);
    if (wrong !== undefined) throw new Error(`${client.method} ${JSON.stringify(message)}: ${wrong}`);
    if ('method' in message) {
      this.#clientHears(client, String(message.method), message.params);
      return;
    }
    expect(message.id).toBe(client.id);
    client.answered = true;
    const { error, result } = message as { error?: { code: number }; result?: Record<string, unknown> };
    expect([-32002, -32042]).not.toContain(client.method === 'resources/read' ? error?.code : 0);
    expect(error?.code).not.toBe(-32042);
    if (result?.resultType !== 'input_required') return;
    expect(['tools/call', 'prompts/get', 'resources/read']).toContain(client.method);
    client.questions = result.inputRequests as typeof client.questions;
    client.state = String(result.requestState);
    for (const { method } of Object.values(client.questions)) {
      expect(client.asking.capabilities).toHaveProperty(method.split('/')[0] ?? '');
    }
  }

  /** What the schema does not say of notifications: which of them belong to this request. */
  #clientHears(client: Client, method: string, params: unknown): void {
    if (client.method === 'subscriptions/listen') {
      expect(['notifications/tools/list_changed', 'notifications/resources/updated', ACKNOWLEDGED]).toContain(
        method,
      );
      expect(method === ACKNOWLEDGED).toBe(client.progress < 0);
      expect(params).toMatchObject({ _meta: { [SUBSCRIPTION]: client.id } });
      client.progress = 0;
    } else if (method === 'notifications/progress') {
      const { progress, progressToken } = params as { progress: number; progressToken: string };
      expect(progressToken).toBe(client.asking.token);
      expect(progress).toBeGreaterThan(client.progress);
      client.progress = progress;
    } else {
      expect(method).toBe('notifications/message');
      const level = (params as { level: string }).level;
      expect(client.asking.logLevel).toBeDefined();
      expect(level === 'error' || client.asking.logLevel === 'debug').toBe(true);
    }
  }

  /** Whatever the servers were sent. */
  serversGet(): void {
    for (const session of this.stage.sessions) {
      const open = this.open.get(session) ?? new Map<string, string>();
      this.open.set(session, open);
      const asked = this.asked.get(session) ?? new Map<number, string>();
      this.asked.set(session, asked);
      for (const text of session.take()) {
        const message = read(text);
        expect(text).not.toMatch(/requestState|inputResponses|io\.modelcontextprotocol|"task"/);
        const question = asked.get(Number(message.id));
        const wrong =
          'method' in message
            ? LEGACY.call('Client', message)
            : question === undefined
              ? 'to nothing'
              : LEGACY.answer('Server', question, message);
        if (wrong !== undefined) throw new Error(`${text}: ${wrong}`);
        if (!('method' in message)) asked.delete(Number(message.id));
        else if ('id' in message) {
          expect(this.ids).not.toContain(message.id);
          this.ids.add(message.id);
          open.set(String(message.id), String(message.method));
        }
      }
      expect(session.sentTooLate).toEqual([]);
    }
  }

  /** A session that is still there. */
  session(which: number): MemoryLink | undefined {
    const there = this.stage.sessions.filter((one) => one.closings.length === 0 && !this.lost.has(one));
    return there.length === 0 ? undefined : pick(there, which);
  }

  questions(what: number, which: number): void {
    const session = this.session(which);
    if (session === undefined) return;
    const [method, params] = pick(QUESTIONS, what);
    this.#id += 1;
    const message = { jsonrpc: '2.0', id: this.#id, method, ...(params === undefined ? {} : { params }) };
    expect(LEGACY.call('Server', message)).toBeUndefined();
    this.asked.get(session)?.set(this.#id, method);
    session.says(JSON.stringify(message));
    this.serversGet();
  }

  withdraws(which: number): void {
    const session = this.session(which);
    const [id] = [...(session === undefined ? [] : (this.asked.get(session)?.keys() ?? []))];
    if (session === undefined || id === undefined) return;
    this.asked.get(session)?.delete(id);
    session.says(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`);
    this.serversGet();
  }

  says(what: number, which: number): void {
    const [method, params] = pick(SAID, what);
    this.session(which)?.says(
      JSON.stringify({ jsonrpc: '2.0', method, ...(params === undefined ? {} : { params }) }),
    );
    this.serversGet();
  }

  answers(what: number, which: number): void {
    const session = this.session(which);
    const open = session === undefined ? undefined : this.open.get(session);
    const [entry] = [...(open ?? [])].slice(what % 2);
    if (session === undefined || entry === undefined) return;
    const [id, method] = entry;
    open?.delete(id);
    const result = REQUESTS.find(([name]) => name === method)?.[2] ?? {};
    const answer = what % 4 === 3 ? { error: pick(ERRORS, which) } : { result };
    session.says(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
    this.serversGet();
  }

  retries(what: number, who: number): void {
    const parked = this.clients.filter(({ state }) => state !== undefined);
    if (parked.length > 0) this.asks(what, who, pick(parked, who));
  }

  leaves(who: number): void {
    if (this.clients.length === 0) return;
    const client = pick(this.clients, who);
    client.left = true;
    client.asker.leaves();
    this.serversGet();
  }

  loses(what: number, which: number): void {
    const session = this.session(which);
    if (session === undefined) return;
    this.lost.add(session);
    session.goes({ kind: pick(ENDS, what), text: 'gone' });
    this.serversGet();
  }

  waits(what: number): void {
    this.stage.clock.advance(pick(WAITS, what));
    this.serversGet();
  }

  /** Everybody goes; nothing may be left. */
  ends(): void {
    for (const [index] of this.clients.entries()) this.leaves(index);
    this.waits(WAITS.length - 1);
    expect([this.stage.clients.parked, this.stage.clock.timers]).toEqual([0, 0]);
    for (const session of this.stage.sessions) {
      if (!this.lost.has(session)) expect(session.closings.length).toBeGreaterThan(0);
    }
    expect(this.stage.events.filter(({ level }) => level === 'error')).toEqual([]);
  }
}

function pick<T>(list: readonly T[], index: number): T {
  const item = list[index % list.length];
  if (item === undefined) throw new Error('an empty list');
  return item;
}

const STEPS: Readonly<Record<string, (play: Play, what: number, who: number) => void>> = {
  ask: (play, what, who) => play.asks(what, who),
  call: (play, what, who) => play.asks(what % 4, who),
  question: (play, what, who) => play.questions(what, who),
  retry: (play, what, who) => play.retries(what, who),
  answer: (play, what, who) => play.answers(what, who),
  say: (play, what, who) => play.says(what, who),
  wait: (play, what) => play.waits(what % 4),
  expire: (play) => play.waits(WAITS.length - 1),
  withdraw: (play, _, who) => play.withdraws(who),
  leave: (play, _, who) => play.leaves(who),
  lose: (play, what, who) => play.loses(what, who),
};

const steps = fc.array(
  fc.tuple(
    fc.constantFrom(
      'ask',
      'call',
      'call',
      'question',
      'question',
      'question',
      'retry',
      'retry',
      'retry',
      'answer',
      'answer',
      'say',
      'say',
      'wait',
      'wait',
      'expire',
      'withdraw',
      'leave',
      'lose',
    ),
    fc.nat(59),
    fc.nat(59),
  ),
  { maxLength: 60, size: 'max' },
);

describe('for any sequence of legal messages', () => {
  it(`${req(
    'm2l.envelope',
    'm2l.result-type',
    'm2l.cacheable',
    'm2l.questions',
    'm2l.questions.declared',
    'm2l.questions.only-three-methods',
    'm2l.stray-notifications',
    'm2l.listen',
    'm2l.ids',
    'm2l.tasks',
  )} the server sees only legal legacy messages, and the client only legal modern ones`, () => {
    fc.assert(
      fc.property(steps, (list) => {
        const play = new Play();
        for (const [step, what, who] of list) STEPS[step]?.(play, what, who);
        play.ends();
      }),
      { numRuns: 200 },
    );
  });
});
