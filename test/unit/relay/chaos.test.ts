import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keyOf } from '../../../src/jsonrpc/message.js';
import { message } from './memory-link.js';
import { type Client, GONE, Stage } from './stage.js';

/** What a client asks that the proxy has to take part in. */
const REQUESTS: readonly (readonly [string, object])[] = [
  ['initialize', { protocolVersion: '2025-11-25', capabilities: { roots: {}, elicitation: {} } }],
  ['initialize', { protocolVersion: '2024-11-05', capabilities: {} }],
  ['logging/setLevel', { level: 'error' }],
  ['logging/setLevel', { level: 'debug', _meta: { progressToken: 1 } }],
  ['logging/setLevel', { level: 'loud' }],
  ['resources/subscribe', { uri: 'a:' }],
  ['resources/subscribe', { uri: 'a:/b' }],
  ['resources/unsubscribe', { uri: 'a:' }],
  ['resources/unsubscribe', { uri: 'a:/b' }],
  ['tasks/list', {}],
  ['tasks/get', { taskId: 'T1' }],
  ['tasks/result', { taskId: 'T2' }],
  ['tools/call', { task: {}, _meta: { progressToken: 1 } }],
  ['tools/call', { _meta: { progressToken: 't' } }],
];

/** What a server says unasked, of which some is well meant. */
const SAID: readonly string[] = [
  '"id":1,"method":"roots/list"',
  '"id":2,"method":"elicitation/create","params":{"mode":"url","elicitationId":"e"}',
  '"id":2,"method":"x/y","params":{"_meta":{"io.modelcontextprotocol/related-task":{"taskId":"T1"}}}',
  '"id":1,"method":"ping"',
  '"method":"notifications/cancelled","params":{"requestId":1}',
  '"method":"notifications/cancelled","params":{"requestId":[1]}',
  '"method":"notifications/elicitation/complete","params":{"elicitationId":"e"}',
  '"method":"notifications/message","params":{"level":"info","data":1}',
  '"method":"notifications/message"',
  '"method":"notifications/resources/updated","params":{"uri":"a:/b"}',
  '"method":"notifications/tasks/status","params":{"taskId":"T1","status":"completed"}',
  '"method":"notifications/tools/list_changed"',
  '"method":"notifications/progress","params":{"progressToken":1}',
  '"method":"notifications/progress"',
  '"method":"notifications/initialized"',
  '"id":null,"error":{"code":-32700,"message":"parse"}',
];

/** What a server answers, whatever it was asked. */
const ANSWERS: readonly string[] = [
  '"result":{"protocolVersion":"2025-06-18","capabilities":{}}',
  '"result":{"task":{"taskId":"T1"},"taskId":"T1","status":"working","tasks":[{"taskId":"T1"}]}',
  '"result":{"task":{"taskId":"T2"},"taskId":"T2","status":"failed","tasks":[{"taskId":"T2"}]}',
  '"result":7',
  '"result":null',
  '"error":{"code":-32042,"message":"m","data":{"elicitations":[{"elicitationId":"e"}]}}',
  '"error":{}',
];

type Kind = 'ask' | 'cancel' | 'reply' | 'notify' | 'answer' | 'say' | 'leave' | 'join' | 'wait';
type Step = readonly [kind: Kind, who: number, what: number];

const COMMON = ['ask', 'answer', 'ask', 'answer'] as const;
const USUAL = ['say', 'reply', 'notify', 'wait', 'cancel'] as const;
const RARE = ['leave', 'join'] as const;
const kind: fc.Arbitrary<Kind> = fc.constantFrom<Kind>(...COMMON, ...COMMON, ...USUAL, ...RARE);
const step: fc.Arbitrary<Step> = fc.tuple(kind, fc.nat({ max: 3 }), fc.nat({ max: 15 }));

/** Plays any order of everything, and checks only what must always hold. */
class Chaos {
  readonly stage: Stage;
  readonly #clients: Client[] = [];
  /** The methods of each client's open requests, by key. */
  readonly #open = new Map<Client, Map<string, string>>();
  readonly #everyId = new Set<string>();
  readonly #atServer: string[] = [];
  #nextId = 0;

  constructor(exclusive: boolean) {
    this.stage = new Stage({ exclusive, timeout: 1000 });
    this.#join();
    if (!exclusive) this.#join();
  }

  run([kind, who, what]: Step, exclusive: boolean): void {
    const client = this.#clients[who % Math.max(1, this.#clients.length)];
    switch (kind) {
      case 'ask': {
        const [method, params] = REQUESTS[what % REQUESTS.length] ?? ['x', {}];
        if (client) this.#ask(client, method, params);
        break;
      }
      case 'cancel':
        if (client) this.#cancel(client, what);
        break;
      case 'reply':
        client?.says(`{"jsonrpc":"2.0","id":${what % 3},"result":{}}`);
        break;
      case 'notify':
        client?.says(
          what % 2 === 0
            ? '{"jsonrpc":"2.0","method":"notifications/initialized"}'
            : '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}',
        );
        break;
      case 'answer': {
        const id = this.#atServer[who];
        if (id !== undefined)
          this.stage.server.says(`{"jsonrpc":"2.0","id":${id},${ANSWERS[what % ANSWERS.length]}}`);
        if (what % 3 > 0) this.#atServer.splice(who, 1);
        break;
      }
      case 'say':
        this.stage.server.says(`{"jsonrpc":"2.0",${SAID[what % SAID.length]}}`);
        break;
      case 'wait':
        this.stage.clock.advance(400);
        break;
      case 'leave':
        if (client) this.#leave(client);
        break;
      default:
        if (!exclusive || this.#clients.length === 0) this.#join();
    }
    this.#check();
  }

  /** The server dies: everybody who still waits is told, once. */
  lose(): void {
    this.stage.server.goes(GONE);
    this.#check();
    for (const client of this.#clients) {
      expect([...(this.#open.get(client)?.keys() ?? [])]).toEqual([]);
      expect(client.closings).toEqual([GONE]);
    }
    expect(this.stage.correlation.inFlight).toBe(0);
    expect(this.stage.clock.timers).toBe(0);
    expect(this.stage.server.sentTooLate).toEqual([]);
  }

  #join(): void {
    const client = this.stage.client();
    this.#clients.push(client);
    this.#open.set(client, new Map());
  }

  #leave(client: Client): void {
    this.#clients.splice(this.#clients.indexOf(client), 1);
    client.leaves();
    expect(client.take()).toEqual([]);
  }

  #ask(client: Client, method: string, params: object): void {
    const id = String(this.#nextId++);
    this.#open.get(client)?.set(keyOf(id), method);
    client.asks(id, method, params);
  }

  #cancel(client: Client, what: number): void {
    const open = [...(this.#open.get(client) ?? [])];
    const [key, method] = open[what % Math.max(1, open.length)] ?? ['99', 'none'];
    client.says(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${key}}}`);
    if (method !== 'initialize') this.#open.get(client)?.delete(key);
  }

  #check(): void {
    for (const text of this.stage.server.take()) {
      const { kind, id } = message(text);
      if (kind !== 'request' || id === undefined) continue;
      expect(this.#everyId.has(id)).toBe(false);
      this.#everyId.add(id);
      this.#atServer.push(id);
    }
    for (const client of this.#clients) {
      for (const text of client.take()) {
        const { kind, id } = message(text);
        if ((kind !== 'response' && kind !== 'error') || id === 'null') continue;
        // Each answer is to a request of this client that was open, and so is the only one.
        expect(this.#open.get(client)?.delete(keyOf(id ?? 'null'))).toBe(true);
      }
    }
  }
}

describe('any order of anything that clients and servers do', () => {
  it.each([true, false])('answers nobody twice and no other, and ends clean (exclusive: %s)', (exclusive) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const chaos = new Chaos(exclusive);
        for (const one of steps) chaos.run(one, exclusive);
        chaos.lose();
      }),
      { numRuns: 400 },
    );
  });
});
