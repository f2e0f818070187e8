/** The client mode's way to a remote server, with the server mode of another proxy there. */
import { afterEach, expect, it } from 'vitest';
import type { RemoteLink } from '../../src/remote/remote-link.js';
import { connectRemote } from '../../src/upstream/remote.js';
import { req } from '../requirements.js';
import { Client } from '../unit/remote/fixture.js';
import { closeAll, start } from './harness/proxy.js';

let link: RemoteLink | undefined;

afterEach(async () => {
  link?.close({ kind: 'stopping', text: 'the test is over' });
  await link?.done;
  await closeAll();
});

it.each([
  ['mcp', '2025-11-25', false],
  ['mcp', '2025-11-25', true],
  ['mcp', '2025-06-18', false],
  ['mcp', '2025-06-18', true],
  ['sse', '2024-11-05', false],
  ['sse', '2024-11-05', true],
])(
  `${req('cancellation.no-response')} a cancelled call gets no answer: /%s, %s, with progress: %j`,
  async (path, version, progressive) => {
    const proxy = await start();
    link = connectRemote(
      { url: new URL(`${proxy.url}/${path}`), transport: 'auto', era: 'auto', headers: [], verify: true },
      () => undefined,
    );
    const client = new Client(link);
    await client.begin(version);
    const more = progressive ? { steps: 2, _meta: { progressToken: 't' } } : {};
    client.send({ id: 'c', method: 'x/hold', params: { key: 'k', ...more } });
    await client.request(1, 'x/seen', { method: 'x/hold', count: 1 });
    if (progressive) await client.until(({ params }) => params?.progress === 2);
    client.send({ method: 'notifications/cancelled', params: { requestId: 'c' } });
    await client.request(2, 'x/seen', { method: 'notifications/cancelled', count: 1 });
    // The server answers all the same, which the proxy before it drops.
    await client.request(3, 'x/release', { key: 'k' });
    expect((await client.request(4, 'ping')).result).toEqual({});
    await link.settled();
    expect(client.got.filter(({ id }) => id === 'c')).toEqual([]);
  },
);
