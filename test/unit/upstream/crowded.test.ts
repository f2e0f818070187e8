/** A client that has very many requests open at a remote server. */
import type { ServerResponse } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, QUICK } from '../remote/fixture.js';
import { type Asked, serve, welcome } from '../remote/server.js';

const cleaning: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** As many as were too many once, and more. */
const CALLS = 530;

test('calls that are not answered hold up no other, and no cancellation', async () => {
  let isFull: () => void = () => undefined;
  const full = new Promise<void>((resolve) => {
    isFull = resolve;
  });
  let isCancelled: () => void = () => undefined;
  const cancelled = new Promise<void>((resolve) => {
    isCancelled = resolve;
  });
  let open = 0;
  const server = await serve(({ method, message }: Asked, response: ServerResponse) => {
    const json = { 'content-type': 'application/json', 'mcp-session-id': 's' };
    if (method !== 'POST') response.writeHead(405).end();
    else if (message.method === 'initialize') response.writeHead(200, json).end(welcome(message.id));
    else if (message.id === undefined) {
      response.writeHead(202).end();
      if (message.method === 'notifications/cancelled') isCancelled();
    } else if (message.method !== 'hold') {
      response.writeHead(200, json).end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: {} }));
    } else if (++open === CALLS) isFull();
  });
  cleaning.push(() => server.stop());
  const link = connectRemote(
    {
      url: server.url,
      transport: 'streamablehttp',
      headers: [],
      verify: true,
      era: 'legacy',
      timings: QUICK,
    },
    events().emit,
  );
  cleaning.push(() => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    return link.done;
  });
  const client = new Client(link);
  await client.begin();
  for (let i = 0; i < CALLS; i++) client.send({ id: `hold-${i}`, method: 'hold' });
  await full;
  client.send({ method: 'notifications/cancelled', params: { requestId: 'hold-0' } });
  await cancelled;
  expect(await client.request('one more', 'tools/list')).toHaveProperty('result');
});
