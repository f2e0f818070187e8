import { expect, it } from 'vitest';
import type { ProxyEvent } from '../../../src/observability/events.js';
import type { Hook, HookMessage, Verdict } from '../../../src/relay/hook.js';
import { hooked } from '../../../src/relay/hooked.js';
import { relay } from '../../../src/relay/relay.js';
import { MemoryLink } from './memory-link.js';
import { GONE } from './stage.js';

const CALL =
  '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{"progressToken":7},"name":"a"}}';
const LOG = '{"jsonrpc":"2.0","method":"notifications/message","params":{}}';
const PROGRESS = '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":7}}';
const RESULT = '{"jsonrpc":"2.0","id":1,"result":{"secret":9007199254740993}}';

function staged(hook: Hook): { client: MemoryLink; server: MemoryLink; events: ProxyEvent[] } {
  const [client, server] = [new MemoryLink(), new MemoryLink()];
  const events: ProxyEvent[] = [];
  relay(
    client,
    hooked(server, hook, (event) => events.push(event)),
  );
  return { client, server, events };
}

const texts = (link: MemoryLink): string[] => link.takeAll().map(({ text }) => text);

/** A hook whose verdicts come when the test says so, in any order. */
function asked(): { hook: Hook; pending: { message: HookMessage; say: (verdict?: Verdict) => void }[] } {
  const pending: { message: HookMessage; say: (verdict?: Verdict) => void }[] = [];
  const hook: Hook = (message) => new Promise((say) => pending.push({ message, say }));
  return { hook, pending };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('shows each message with its side, and leaves every octet of what it only looks at', () => {
  const seen: unknown[] = [];
  const { client, server } = staged((message, from) => {
    const { kind, method, id, params, result, error } = message;
    seen.push({ from, kind, method, id, params, result, error });
  });
  const spaced = CALL.replace('"id":1', '"id" : 1.0');
  client.says(spaced);
  server.says(RESULT);
  expect([texts(server), texts(client)]).toEqual([[spaced], [RESULT]]);
  expect(seen).toEqual([
    {
      from: 'client',
      kind: 'request',
      method: 'tools/call',
      id: 1,
      params: { _meta: { progressToken: 7 }, name: 'a' },
      result: undefined,
      error: undefined,
    },
    {
      from: 'server',
      kind: 'response',
      method: undefined,
      id: 1,
      params: {},
      result: { secret: Number('9007199254740993') },
      error: undefined,
    },
  ]);
});

it('changes params and keeps what the message says of itself in _meta', () => {
  const { client, server } = staged(({ method }) =>
    method === 'tools/call' ? { params: { name: 'b' } } : undefined,
  );
  client.says(CALL);
  expect(JSON.parse(texts(server)[0] ?? '').params).toEqual({ name: 'b', _meta: { progressToken: 7 } });
});

it('answers a request of either side, whose receiver never hears of it', () => {
  const { client, server } = staged(({ method }) => {
    if (method === 'tools/call') return { error: { code: -32000, message: 'not allowed', data: { why: 1 } } };
    return method === 'roots/list' ? { result: { roots: [] } } : undefined;
  });
  client.says(CALL);
  server.says('{"jsonrpc":"2.0","id":"q","method":"roots/list"}');
  expect(client.takeAll()).toEqual([
    {
      text: '{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"not allowed","data":{"why":1}}}',
      about: '1',
    },
  ]);
  expect(texts(server)).toEqual(['{"jsonrpc":"2.0","id":"q","result":{"roots":[]}}']);
});

it('replaces answers and drops notifications', () => {
  const { client, server } = staged(({ kind, method }) => {
    if (kind === 'response') return { result: { ok: true } };
    return method === 'notifications/message' ? { drop: true } : undefined;
  });
  server.says(LOG);
  server.says(RESULT, '1');
  expect(client.takeAll()).toEqual([{ text: '{"jsonrpc":"2.0","id":1,"result":{"ok":true}}', about: '1' }]);
});

it.each<[string, Hook]>([
  [
    'throws',
    () => {
      throw new Error('broken');
    },
  ],
  ['rejects', () => Promise.reject(new Error('broken'))],
  ['says what has no meaning', () => ({ drop: true })],
])('lets nothing through where the hook %s, and says so', async (_, hook) => {
  const { client, server, events } = staged(hook);
  client.says(CALL);
  await turn();
  expect(texts(server)).toEqual([]);
  expect(texts(client)).toEqual([expect.stringContaining('"code":-32603')]);
  server.says(RESULT, '1');
  await turn();
  const [told = ''] = texts(client);
  expect(told).toContain('"id":1,"error"');
  expect(told).not.toContain('secret');
  expect(events.map(({ level }) => level)).toEqual(['error', 'error']);
});

it('lets others overtake a request, and nothing overtake a notification', async () => {
  const { hook, pending } = asked();
  const { client, server } = staged(hook);
  client.says(CALL);
  client.says(CALL.replace('"id":1', '"id":2'));
  pending[1]?.say();
  await turn();
  expect(texts(server)).toEqual([expect.stringContaining('"id":2')]);
  server.says(PROGRESS);
  server.says(RESULT);
  expect(pending.length).toBe(3);
  pending[2]?.say();
  await turn();
  expect(pending.length).toBe(4);
  pending[3]?.say();
  await turn();
  expect(texts(client)).toEqual([PROGRESS, RESULT]);
});

it('does not send what was cancelled meanwhile, nor the cancellation', async () => {
  const { hook, pending } = asked();
  const { client, server } = staged(hook);
  client.says(CALL);
  client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1.0}}');
  pending[0]?.say();
  await turn();
  expect([pending.length, texts(server), texts(client)]).toEqual([1, [], []]);
});

it('holds the server back while much waits, and refuses requests beyond a bound', async () => {
  const { hook, pending } = asked();
  const { client, server } = staged(hook);
  for (let count = 0; count < 100; count++) server.says(LOG);
  expect(server.holds).toEqual([true]);
  while (pending.length > 0) {
    pending.shift()?.say();
    await turn();
  }
  expect(server.holds).toEqual([true, false]);
  expect(texts(client).length).toBe(100);
  for (let id = 0; id <= 1000; id++) client.says(CALL.replace('"id":1', `"id":${id}`));
  expect(texts(client)).toEqual([expect.stringContaining('"id":1000,"error"')]);
});

it('is silent once the conversation is over', async () => {
  const { hook, pending } = asked();
  const { client, server } = staged(hook);
  client.says(CALL);
  server.goes(GONE);
  pending[0]?.say({ result: {} });
  await turn();
  expect([texts(server), texts(client), client.closings.length]).toEqual([[], [], 1]);
});
