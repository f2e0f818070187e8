/** Which web pages may use the proxy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Socket } from '../attacks/harness/socket.js';
import { Scope } from '../e2e/harness/scope.js';
import { req } from '../requirements.js';
import { guards } from '../security.js';
import { BOTH, initializeBody, post } from './harness/client.js';
import { type Answer, exchange, send } from './harness/http.js';
import { closeAll, start, type TestProxy } from './harness/proxy.js';

const PATHS = ['/mcp', '/sse', '/messages/', '/status', '/nothing'];
const METHODS = ['GET', 'POST', 'DELETE', 'OPTIONS', 'PUT'];

const scope = new Scope();
let closed: TestProxy;
let some: TestProxy;
let all: TestProxy;

beforeAll(async () => {
  closed = await start();
  some = await start({
    allowOrigins: ['https://app.example', 'http://localhost:3000'],
    allowHosts: ['tools.example'],
    exposeHeaders: ['X-One', 'X-Two'],
  });
  all = await start({ allowOrigins: ['*'] });
});
afterAll(closeAll);

function from(
  origin: string,
  url: string,
  method = 'GET',
  headers: Record<string, string> = {},
): Promise<Answer> {
  return exchange(url, { method, headers: { origin, ...headers } });
}

describe('by default', () => {
  it(`${req('streamable-http.origin.validated', 'streamable-http.origin.invalid-403', 'sse.origin.validated')}${guards('origin.refused')} pages of others get 403, on every path with every method`, async () => {
    for (const origin of [
      'http://evil.example',
      'null',
      'http://localhost',
      'http://127.0.0.1.evil.example',
      'x',
    ]) {
      for (const path of PATHS) {
        for (const method of METHODS) {
          const answer = await from(origin, closed.url + path, method);
          expect(answer.status, `${method} ${path} from ${origin}`).toBe(403);
          expect(answer.headers).not.toHaveProperty('access-control-allow-origin');
          expect(JSON.parse(answer.body).error.message).toContain('--allow-origin');
        }
      }
    }
  });

  it('pages of the proxy itself may use it', async () => {
    const { port } = new URL(closed.url);
    for (const host of ['127.0.0.1', 'localhost', '[::1]', 'LOCALHOST']) {
      expect((await from(`http://${host}:${port}`, `${closed.url}/status`)).status).toBe(200);
    }
    expect((await from(`https://localhost:${port}`, `${closed.url}/status`)).status).toBe(403);
    expect((await from(`http://localhost:${Number(port) + 1}`, `${closed.url}/status`)).status).toBe(403);
  });

  it('who is no page may use it', async () => {
    expect((await exchange(`${closed.url}/status`)).status).toBe(200);
  });

  it(`${req('streamable-http.bind.localhost', 'sse.bind.localhost', 'modern-http.server.bind-localhost')} it listens on the loopback address`, () => {
    expect(new URL(closed.url).hostname).toBe('127.0.0.1');
  });
});

describe('with origins that are allowed', () => {
  it.each(['https://app.example', 'http://localhost:3000'])(
    '%s may, and may read the session id',
    async (origin) => {
      const answer = await exchange(`${some.url}/mcp`, {
        method: 'POST',
        body: initializeBody(),
        headers: { origin, accept: BOTH, 'content-type': 'application/json' },
      });
      expect(answer.status).toBe(200);
      expect(answer.headers).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-expose-headers': 'Mcp-Session-Id, WWW-Authenticate, X-One, X-Two',
        vary: 'Origin',
      });
    },
  );

  it('errors and streams carry the headers too', async () => {
    const origin = 'https://app.example';
    const error = await from(origin, `${some.url}/mcp`);
    expect(error).toMatchObject({ status: 400, headers: { 'access-control-allow-origin': origin } });
    const stream = await send(`${some.url}/sse`, { headers: { origin } });
    expect(stream.headers).toMatchObject({ 'access-control-allow-origin': origin });
    stream.destroy();
  });

  it('others may not', async () => {
    for (const origin of ['https://app.example:444', 'http://app.example', 'https://x.app.example']) {
      expect((await from(origin, `${some.url}/status`)).status).toBe(403);
    }
  });
});

describe('the Host', () => {
  it(`${req('streamable-http.origin.validated', 'sse.origin.validated')}${guards('host.refused')} of a name that was made to point here gets 403, with an Origin or without`, async () => {
    for (const host of [
      'evil.example',
      'evil.example:8080',
      'localhost.evil.example',
      '192.168.1.1',
      'a b',
      '@x',
      'evil@127.0.0.1',
      '127.0.0.1/evil',
      '127.0.0.1?evil',
      '.',
      'evil.example.',
      'localhost..',
    ]) {
      for (const path of PATHS) {
        const answer = await exchange(closed.url + path, { headers: { host } });
        expect(answer.status, `${path} at ${host}`).toBe(403);
      }
    }
  });

  it(`${guards('host.refused')} that is empty gets 403`, async () => {
    for (const version of ['1.1', '1.0']) {
      const socket = await Socket.open(scope, closed.url);
      socket.write(`GET /status HTTP/${version}\r\nHost:\r\n\r\n`);
      expect((await socket.answers(1)).map(({ status }) => status)).toEqual([403]);
      socket.close();
    }
  });

  it('may be any name of this machine with any port, as a tunnel has it', async () => {
    for (const host of [
      'localhost',
      'LOCALHOST:1',
      'mcp.localhost',
      '127.0.0.1:80',
      '127.1.2.3',
      '[::1]:9',
      'localhost.',
      'localhost.:1',
    ]) {
      expect((await exchange(`${closed.url}/status`, { headers: { host } })).status, host).toBe(200);
    }
  });

  it('may be that of an origin that is allowed by its name', async () => {
    expect((await exchange(`${some.url}/status`, { headers: { host: 'app.example' } })).status).toBe(200);
    expect((await exchange(`${some.url}/status`, { headers: { host: 'Tools.example:443' } })).status).toBe(
      200,
    );
    expect((await exchange(`${some.url}/status`, { headers: { host: 'tools.example.' } })).status).toBe(200);
    expect((await exchange(`${some.url}/status`, { headers: { host: 'other.example' } })).status).toBe(403);
    expect((await exchange(`${all.url}/status`, { headers: { host: 'other.example' } })).status).toBe(403);
  });

  it('may be anything where the proxy is open to the network', async () => {
    const open = await start({ host: '0.0.0.0', allowUnauthenticated: true });
    const { port } = new URL(open.url);
    const answer = await exchange(`http://127.0.0.1:${port}/status`, { headers: { host: 'some.example' } });
    expect(answer.status).toBe(200);
  });
});

it(`${guards('cors.vary')} what depends on the Origin says so, also where it is refused, or there was none`, async () => {
  const { url } = some;
  const answers = [
    await exchange(`${url}/status`),
    await exchange(`${url}/nothing`),
    await exchange(`${url}/status`, { headers: { host: 'evil.example' } }),
    await from('https://app.example', `${url}/status`),
    await from('https://evil.example', `${url}/status`),
    await post(`${url}/mcp`, initializeBody()),
    await from('https://any.example', `${all.url}/status`),
  ];
  expect(answers.map(({ headers }) => headers.vary)).toEqual(answers.map(() => 'Origin'));
});

it(`${guards('cors.credentials')} no page is ever let in by what its browser sends on its own`, async () => {
  for (const { url } of [some, all]) {
    for (const method of METHODS) {
      const answer = await from('https://app.example', `${url}/mcp`, method, {
        'access-control-request-method': 'POST',
      });
      expect(answer.headers).not.toHaveProperty('access-control-allow-credentials');
    }
  }
});

it('with * every page may', async () => {
  const answer = await from('https://any.example', `${all.url}/status`);
  expect(answer).toMatchObject({ status: 200, headers: { 'access-control-allow-origin': '*' } });
});

describe('a preflight', () => {
  const names =
    'content-type,mcp-session-id, mcp-protocol-version,last-event-id,Mcp-Method,mcp-name,authorization,X-API-Key,mcp-param-region';
  const asked = {
    'access-control-request-method': 'POST',
    'access-control-request-headers': names,
  };

  it.each(PATHS)(`${guards('cors.preflight')} is answered for %s`, async (path) => {
    const answer = await from('https://app.example', some.url + path, 'OPTIONS', asked);
    expect(answer).toMatchObject({ status: 204, body: '' });
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-allow-methods': expect.stringContaining('DELETE'),
      'access-control-allow-headers': names.replaceAll(/, */g, ', '),
      vary: 'Origin, Access-Control-Request-Headers',
    });
  });

  it(`${guards('cors.preflight')} gets leave for what is known here only`, async () => {
    const more = {
      ...asked,
      'access-control-request-headers': 'x-forwarded-for, mcp-param-, cookie, accept, mcp-paramx',
    };
    const answer = await from('https://app.example', `${some.url}/mcp`, 'OPTIONS', more);
    expect(answer.headers['access-control-allow-headers']).toBe('accept');
  });

  it('that asks for what is no header name gets no leave for it', async () => {
    const strange = { ...asked, 'access-control-request-headers': 'a b; c' };
    const answer = await from('https://app.example', `${some.url}/mcp`, 'OPTIONS', strange);
    expect(answer.headers).not.toHaveProperty('access-control-allow-headers');
  });
});
