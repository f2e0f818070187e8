import { expect, it } from 'vitest';
import { withInFlightLimit } from '../../../src/relay/in-flight.js';
import { MemoryLink } from './memory-link.js';
import { Client, read } from './stage.js';

function limited(most: number): { server: MemoryLink; client: Client } {
  const server = new MemoryLink();
  return { server, client: new Client(withInFlightLimit(server, { most, server: 'demo' })) };
}

it('lets so many requests through, and refuses one more at once', () => {
  const { server, client } = limited(2);
  for (const id of ['1', '"a"', '3']) client.asks(id, 'm');
  expect(server.take()).toHaveLength(2);
  const [refusal] = client.takeAll();
  expect(refusal?.about).toBe('3');
  expect(read(refusal?.text ?? '')).toMatchObject({ id: 3, error: { code: -32603, data: { limit: 2 } } });
});

it.each([
  '{"jsonrpc":"2.0","id":1,"result":{}}',
  '{"jsonrpc":"2.0","id":1.0,"error":{"code":1,"message":""}}',
])('one is over once it is answered: %s', (answer) => {
  const { server, client } = limited(1);
  client.asks('1', 'm');
  server.says(answer);
  expect(client.take()).toEqual([answer]);
  client.asks('1', 'm');
  expect(server.take()).toHaveLength(2);
});

it('one is over once its client gives it up, and not before', () => {
  const { server, client } = limited(1);
  client.asks('"a"', 'm');
  client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"b"}}');
  client.asks('2', 'm');
  expect(client.take()).toHaveLength(1);
  client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"\\u0061"}}');
  client.asks('2', 'm');
  expect(client.take()).toEqual([]);
  expect(server.take()).toHaveLength(4);
});

it('lets everything else through: what the server asks, notifications, answers, the end', () => {
  const { server, client } = limited(1);
  client.asks('1', 'm');
  server.says('{"jsonrpc":"2.0","id":1,"method":"roots/list"}');
  client.says('{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}');
  client.says('{"jsonrpc":"2.0","method":"x/y"}');
  client.asks('2', 'm');
  expect(server.take()).toHaveLength(3);
  expect(client.take()).toHaveLength(2);
  server.goes({ kind: 'failed', text: 'gone' });
  expect(client.closings).toHaveLength(1);
});
