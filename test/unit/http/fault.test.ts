import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { Answering } from '../../../src/http/answering.js';
import { Bodies } from '../../../src/http/body.js';
import { Listener } from '../../../src/http/listener.js';
import { readPost } from '../../../src/http/post.js';
import type { ProxyEvent } from '../../../src/observability/events.js';

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

const FAULT = {
  jsonrpc: '2.0',
  id: null,
  error: { code: -32603, message: expect.stringContaining('failed on this request') },
};
const TOLD = [{ level: 'error', text: expect.stringContaining('no such luck') }];

it('a request that its handler fails on gets 500, is told, and the next one is served', async () => {
  const events: ProxyEvent[] = [];
  const listener = new Listener(
    (request, response) => {
      if (request.url === '/bad') throw new TypeError('no such luck');
      response.end('good');
    },
    (event) => events.push(event),
    new Answering(),
  );
  ends.push(() => listener.close(0));
  const url = `http://127.0.0.1:${await listener.listen('127.0.0.1', 0)}`;
  const bad = await fetch(`${url}/bad`);
  expect(bad.status).toBe(500);
  expect(await bad.json()).toEqual(FAULT);
  expect(await (await fetch(`${url}/good`)).text()).toBe('good');
  expect(events).toMatchObject(TOLD);
});

it('so does a POST, whose messages come later', async () => {
  const events: ProxyEvent[] = [];
  const server = createServer((request, response) => {
    readPost(request, response, { bodies: new Bodies(1000), emit: (event) => events.push(event) }, () => {
      throw new TypeError('no such luck');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => new Promise((resolve) => server.close(resolve).closeAllConnections()));
  const { port } = server.address() as AddressInfo;
  const answer = await fetch(`http://127.0.0.1:${port}/`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"jsonrpc":"2.0","id":1,"method":"ping"}',
  });
  expect(answer.status).toBe(500);
  expect(await answer.json()).toEqual(FAULT);
  expect(events).toMatchObject(TOLD);
});
