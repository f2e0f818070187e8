import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { expect, it } from 'vitest';
import type { Address } from '../../../src/http/host.js';
import { OriginGuard } from '../../../src/http/origin.js';

function admits(address: Address, origin: string): boolean {
  const guard = new OriginGuard({ allowOrigins: [], exposeHeaders: [], requestHeaders: [] });
  guard.listening(address);
  const request = new IncomingMessage(new Socket());
  request.headers.origin = origin;
  return guard.admit(request, new ServerResponse(request));
}

it('a page of the proxy itself is its own with the port of its scheme left out, as browsers do', () => {
  const plain = { scheme: 'http', host: '127.0.0.1', port: 80 } as const;
  const secure = { scheme: 'https', host: '::1', port: 443 } as const;
  for (const origin of ['http://localhost', 'http://127.0.0.1', 'http://[::1]', 'http://localhost:80']) {
    expect(admits(plain, origin), origin).toBe(true);
  }
  expect(admits(secure, 'https://localhost')).toBe(true);
  expect(admits(secure, 'https://[::1]')).toBe(true);
  expect(admits(plain, 'https://localhost')).toBe(false);
  expect(admits({ ...plain, port: 443 }, 'http://localhost')).toBe(false);
  expect(admits({ ...plain, port: 8080 }, 'http://localhost')).toBe(false);
});
