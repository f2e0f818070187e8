/** A client that stalls: it stalls itself, and nobody else. */
import { afterEach, expect, it } from 'vitest';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { closeAll, eventually, start } from './harness/proxy.js';

const MIB = 1024 * 1024;

afterEach(closeAll);

it('over HTTP+SSE is cut off, and its session ends; others are served meanwhile', async () => {
  const { url, status } = await start({ limits: { maxUnread: MIB } });
  const other = await Client.open(`${url}/mcp`);
  const response = await send(`${url}/sse`, {});
  const stream = new Stream(response);
  const endpoint = await stream.next();
  if (endpoint.kind !== 'event') throw new Error('no endpoint');
  await post(url + endpoint.data, initializeBody({ name: 'slow' }));
  await stream.message(1);
  response.pause();
  for (let id = 0; ; id++) {
    const { status: code } = await post(url + endpoint.data, requestBody(id, 'x/big', { octets: MIB }));
    expect(await other.ask('ping')).toEqual({});
    if (code === 404) break;
    expect(code).toBe(202);
  }
  await eventually(async () => ((await status()).servers[0].sessions.length === 1 ? true : undefined));
  response.destroy();
});

it("on a request's stream is cut off, and can resume; its session stays", async () => {
  const { url } = await start({ limits: { maxUnread: MIB } });
  const client = await Client.open(`${url}/mcp`, { capabilities: { roots: {} } });
  const response = await send(`${url}/mcp`, {
    method: 'POST',
    body: requestBody('slow', 'x/hold', { key: 'k', steps: 1, _meta: { progressToken: 1 } }),
    headers: client.headers,
  });
  const stream = new Stream(response);
  await stream.message(1);
  response.pause();
  const log = {
    jsonrpc: '2.0',
    method: 'notifications/message',
    params: { level: 'info', data: 'x'.repeat(MIB) },
  };
  let cut = false;
  response.once('close', () => {
    cut = true;
  });
  for (let round = 0; round < 64; round++)
    await client.post(requestBody(round, 'x/emit', { messages: [log] }));
  await client.ask('x/release', { key: 'k' });
  const resumed = await client.listen(stream.lastId);
  await resumed.ended();
  expect(resumed.messages.at(-1)).toMatchObject({ id: 'slow', result: { key: 'k' } });
  response.destroy();
  await eventually(() => cut || undefined);
});
