import { expect, it } from 'vitest';
import { Exchanges, type Observer } from '../../../src/observability/exchanges.js';
import { relay } from '../../../src/relay/relay.js';
import { MemoryLink } from '../relay/memory-link.js';
import { GONE } from '../relay/stage.js';
import { CONVERSATION } from './conversation.js';

/** A conversation that is watched, and what its observer was told, a line each. */
function watched(): { client: MemoryLink; server: MemoryLink; told: string[]; exchanges: Exchanges } {
  const told: string[] = [];
  const observer: Observer = {
    opened: () => told.push('opened'),
    passed: (_, from, { kind, method, id }, exchange) =>
      told.push(
        `${from}: ${kind} ${method ?? id}${exchange ? ` of ${exchange.asker}'s ${exchange.method}` : ''}`,
      ),
    over: ({ method }, answer, ms) => told.push(`${method} over: ${answer?.kind} ${ms >= 0}`),
    closed: (_, { text }) => told.push(`closed: ${text}`),
  };
  const [client, server] = [new MemoryLink(), new MemoryLink()];
  const exchanges = new Exchanges(CONVERSATION, [observer]);
  relay(client, server, exchanges);
  return { client, server, told, exchanges };
}

it('pairs answers with requests, of each side by itself, whatever their ids', () => {
  const { client, server, told, exchanges } = watched();
  client.says('{"jsonrpc":"2.0","id":1,"method":"tools/call"}');
  server.says('{"jsonrpc":"2.0","id":1,"method":"roots/list"}');
  server.says('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1}}');
  expect(exchanges.open).toBe(1);
  client.says('{"jsonrpc":"2.0","id":1,"result":{}}');
  server.says('{"jsonrpc":"2.0","id":1.0,"error":{"code":-1,"message":""}}');
  server.says('{"jsonrpc":"2.0","id":9,"result":{}}');
  expect(told).toEqual([
    'opened',
    "client: request tools/call of client's tools/call",
    "server: request roots/list of server's roots/list",
    'server: notification notifications/progress',
    "client: response 1 of server's roots/list",
    'roots/list over: response true',
    "server: error 1.0 of client's tools/call",
    'tools/call over: error true',
    'server: response 9',
  ]);
  expect([exchanges.open, exchanges.requests]).toEqual([0, 1]);
});

it('ends what was cancelled or is left without an answer, once', () => {
  const { client, server, told, exchanges } = watched();
  client.says('{"jsonrpc":"2.0","id":"a","method":"m"}');
  client.says('{"jsonrpc":"2.0","id":"b","method":"n"}');
  client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"a"}}');
  server.goes(GONE);
  exchanges.closed(GONE);
  expect(told.filter((line) => / over|closed/.test(line))).toEqual([
    'm over: undefined true',
    'n over: undefined true',
    `closed: ${GONE.text}`,
  ]);
});

it('counts octets', () => {
  const { client, server, exchanges } = watched();
  const [request, answer] = ['{"jsonrpc":"2.0","id":1,"method":"m"}', '{"jsonrpc":"2.0","id":1,"result":{}}'];
  client.says(request);
  server.says(answer);
  expect([exchanges.received, exchanges.sent]).toEqual([request.length, answer.length]);
});
