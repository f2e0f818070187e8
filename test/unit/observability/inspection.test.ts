import { expect, it } from 'vitest';
import { messageOf } from '../../../src/jsonrpc/rewrite.js';
import type { Conversation } from '../../../src/observability/conversation.js';
import { Exchanges } from '../../../src/observability/exchanges.js';
import { Inspection } from '../../../src/observability/inspection.js';
import { valueMask } from '../../../src/observability/secrets.js';
import { CONVERSATION as UNKNOWN } from './conversation.js';

const SECRET = 'the-secret-of-this-server';
const CONVERSATION: Conversation = {
  ...UNKNOWN,
  shownId: 'a1',
  transport: 'streamable-http',
  client: { name: 'c', version: '1' },
};
const all = (): boolean => true;

function watched(): {
  inspection: Inspection;
  client: (text: string) => void;
  server: (text: string) => void;
} {
  const inspection = new Inspection(() => valueMask([SECRET]));
  const exchanges = new Exchanges(CONVERSATION, [inspection]);
  const message = (text: string): NonNullable<ReturnType<typeof messageOf>> => {
    const found = messageOf(text);
    if (found === undefined) throw new Error(`no message: ${text}`);
    return found;
  };
  return {
    inspection,
    client: (text) => exchanges.fromClient(message(text)),
    server: (text) => exchanges.toClient(message(text)),
  };
}

it('pairs a request with its answer, and tells when there will be none', () => {
  const { inspection, client, server } = watched();
  client('{"jsonrpc":"2.0","id":1,"method":"tools/call"}');
  client('{"jsonrpc":"2.0","id":2,"method":"tools/list"}');
  server('{"jsonrpc":"2.0","id":1,"result":{}}');
  client('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}');
  const { messages, next } = inspection.see(0, all);
  expect(messages.map(({ number, from, kind, method, of }) => [number, from, kind, method, of])).toEqual([
    [0, 'client', 'request', 'tools/call', null],
    [1, 'client', 'request', 'tools/list', null],
    [2, 'server', 'response', 'tools/call', 0],
    [3, 'client', 'notification', 'notifications/cancelled', null],
    [4, 'server', 'given-up', 'tools/list', 1],
  ]);
  expect(messages[2]?.ms).toBeGreaterThanOrEqual(0);
  expect(next).toBe(5);
  expect(inspection.see(next, all)).toMatchObject({ messages: [], next: 5, hasMore: false });
});

it('keeps the head of a large message, and no part of a secret that stands across its end', () => {
  const { inspection, server } = watched();
  const before = '{"jsonrpc":"2.0","method":"m","params":{"a":"';
  for (let over = 0; over <= SECRET.length; over++) {
    const filler = 'x'.repeat(16_384 - before.length - over);
    server(`${before}${filler}${SECRET}${'y'.repeat(40_000)}"}}`);
  }
  const { messages } = inspection.see(0, all);
  expect(messages).toHaveLength(SECRET.length + 1);
  for (const { text, isCut, octets } of messages) {
    expect(isCut).toBe(true);
    expect(octets).toBeGreaterThan(50_000);
    expect(text.length).toBeLessThanOrEqual(16_384 + 10);
    expect(text).not.toMatch(/xthe-|x[t]$/);
  }
});

it('forgets the oldest, by their number and by their size', () => {
  const { inspection, client, server } = watched();
  for (let id = 0; id < 1500; id++) client(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
  const few = inspection.see(0, all);
  expect([few.oldest, few.messages.length, few.hasMore]).toEqual([500, 200, true]);
  const large = `{"jsonrpc":"2.0","method":"m","params":{"a":"${'x'.repeat(30_000)}"}}`;
  for (let count = 0; count < 800; count++) server(large);
  const { oldest, next, messages } = inspection.see(0, all);
  expect(2300 - oldest).toBeLessThanOrEqual(512);
  expect(messages.length).toBeLessThan(100);
  expect(next).toBeLessThan(2300);
});

it('shows nothing of conversations that are not for who looks', () => {
  const { inspection, client } = watched();
  client('{"jsonrpc":"2.0","id":1,"method":"m"}');
  expect(inspection.see(0, () => false)).toMatchObject({ messages: [], next: 1 });
});
