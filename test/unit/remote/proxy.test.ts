import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, expect, test, vi } from 'vitest';
import { connectRemote } from '../../../src/upstream/remote.js';
import { Client, events, Fixture } from './fixture.js';

afterEach(() => vi.unstubAllEnvs());

test('HTTP_PROXY is used for other machines, and not for this one', async () => {
  const fixture = await Fixture.start('remote-misbehaving.mjs');
  const tunnels: string[] = [];
  const proxy = createServer();
  proxy.on('connect', (request, socket) => {
    tunnels.push(request.url ?? '');
    const far = connect(fixture.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    far.on('error', () => socket.destroy());
    socket.on('error', () => far.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  for (const name of ['http_proxy', 'NO_PROXY', 'no_proxy']) vi.stubEnv(name, undefined);
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`);
  try {
    for (const url of [new URL('http://far.example/decent'), fixture.url('/decent')]) {
      const link = connectRemote({ url, transport: 'auto', headers: [], verify: true }, events().emit);
      expect((await new Client(link).begin()).result).toBeDefined();
      link.close({ kind: 'stopping', text: 'the test is over' });
      await link.done;
    }
    expect(tunnels.length).toBeGreaterThan(0);
    expect(new Set(tunnels)).toEqual(new Set(['far.example:80']));
  } finally {
    proxy.close();
    await fixture.stop();
  }
});
