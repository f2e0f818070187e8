/** What the headers of a modern client's requests have to say, and which of them nobody listens to. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { req } from '../requirements.js';
import { BOTH, Client, post, requestBody } from './harness/client.js';
import { exchange } from './harness/http.js';
import {
  ask,
  closeEndpoints,
  META,
  MODERN,
  modernBody,
  modernHeaders,
  type PlayedEndpoint,
  startEndpoint,
} from './harness/modern.js';
import { closeAll, start } from './harness/proxy.js';

const DONE = { result: { resultType: 'complete' } };
const VERSION = 'io.modelcontextprotocol/protocolVersion';

let endpoint: PlayedEndpoint;
beforeAll(async () => {
  endpoint = await startEndpoint();
  endpoint.door.answer = () => DONE;
});
beforeEach(() => {
  endpoint.door.links.length = 0;
  endpoint.door.notified.length = 0;
});
afterAll(async () => {
  await closeEndpoints();
  await closeAll();
});

function refusal(answer: { status: number; body: string }): unknown[] {
  const { id, error } = JSON.parse(answer.body);
  return [answer.status, id, error.code];
}

describe('headers', () => {
  it.each([
    ['mcp-protocol-version', 'mcp-method', 'mcp-name'],
    ['MCP-PROTOCOL-VERSION', 'MCP-METHOD', 'MCP-NAME'],
  ])(
    `${req('modern-http.server.headers.name-case')} are known in any case: %s`,
    async (version, method, name) => {
      const headers = {
        'content-type': 'application/json',
        accept: BOTH,
        [version]: MODERN,
        [method]: 'tools/call',
        [name]: 'a',
      };
      const answer = await post(endpoint.url, modernBody(1, 'tools/call', { name: 'a' }), { headers });
      expect(answer.status).toBe(200);
    },
  );

  it.each([
    ['with blanks around them', { 'Mcp-Name': '  a \t' }],
    ['in Base64', { 'Mcp-Name': '=?base64?YQ==?=' }],
    ['beside a session and an event', { 'Mcp-Session-Id': 'nobody', 'Last-Event-ID': '1-1' }],
    ['beside what the tool does not declare', { 'Mcp-Param-Region': 'x' }],
  ] satisfies [string, Record<string, string>][])(
    `${req('modern-http.server.session-ignored', 'modern-http.server.last-event-ignored', 'modern-http.server.params.unknown-ignored')} are taken %s`,
    async (_, headers) => {
      const answer = await ask(endpoint.url, 'tools/call', { name: 'a' }, { headers });
      expect(answer.status).toBe(200);
      expect(answer.headers).not.toHaveProperty('mcp-session-id');
    },
  );

  it.each([
    ['another method', { 'Mcp-Method': 'tools/list' }],
    ['another name', { 'Mcp-Name': 'b' }],
    ['broken Base64', { 'Mcp-Name': '=?base64?YQ?=' }],
    ['another version', { 'MCP-Protocol-Version': '2025-11-25' }],
    ['characters beyond ASCII', { 'Mcp-Name': 'Ã¤' }],
  ] satisfies [string, Record<string, string>][])(
    `${req('modern-http.server.headers.mismatch-400', 'modern-http.server.version.mismatch-400')} with %s are refused, and the server hears nothing`,
    async (_, headers) => {
      const answer = await ask(endpoint.url, 'tools/call', { name: 'a' }, { headers });
      expect(refusal(answer)).toEqual([400, 1, -32020]);
      expect(endpoint.door.links).toEqual([]);
    },
  );

  it.each(['MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name'])(
    `${req('modern-http.server.version.missing-400', 'modern-http.server.headers.mismatch-400')} without %s are refused, by its name`,
    async (name) => {
      const { [name]: _, ...headers } = modernHeaders('tools/call', 'a');
      const answer = await post(endpoint.url, modernBody(1, 'tools/call', { name: 'a' }), { headers });
      expect(refusal(answer)).toEqual([400, 1, -32020]);
      expect(JSON.parse(answer.body).error.message).toContain(name);
    },
  );

  it(`${req('modern-http.server.version.unsupported-400', 'modern-http.server.version.supported-listed')} of a version nobody knows hear which there are`, async () => {
    const version = 'v999.0.0';
    const params = { _meta: { ...META, [VERSION]: version } };
    const headers = { ...modernHeaders('server/discover'), 'MCP-Protocol-Version': version };
    const answer = await post(endpoint.url, requestBody(1, 'server/discover', params), { headers });
    expect(refusal(answer)).toEqual([400, 1, -32022]);
    expect(JSON.parse(answer.body).error.data).toEqual({ supported: [MODERN], requested: version });
  });

  it(`${req('modern-http.server.meta.required')} of a request without _meta are not enough`, async () => {
    const answer = await post(endpoint.url, requestBody(1, 'tools/list'), {
      headers: modernHeaders('tools/list'),
    });
    expect(refusal(answer)).toEqual([400, 1, -32602]);
    expect(JSON.parse(answer.body).error.message).toContain(VERSION);
  });

  it.each(['clientCapabilities', 'clientInfo', 'logLevel'])(
    `${req('modern-http.server.meta.required')} are not all that is missing where _meta has %s and no version`,
    async (name) => {
      const params = { _meta: { [`io.modelcontextprotocol/${name}`]: {} } };
      const answer = await post(endpoint.url, requestBody('half', 'tools/list', params));
      expect(refusal(answer)).toEqual([400, 'half', -32602]);
      expect(JSON.parse(answer.body).error.message).toContain(VERSION);
      expect(endpoint.door.links).toEqual([]);
    },
  );

  it(`${req('modern-http.server.stateless')} and _meta come with each request: a second one on the connection has no more`, async () => {
    const [first, second] = [modernHeaders('x/y'), modernHeaders('x/y')];
    expect((await post(endpoint.url, modernBody(1, 'x/y'), { headers: first })).status).toBe(200);
    const answer = await post(endpoint.url, requestBody(2, 'x/y'), { headers: second });
    expect(refusal(answer)).toEqual([400, 2, -32602]);
  });
});

describe('headers of arguments', () => {
  const call = (args: object | undefined, headers: Record<string, string>) =>
    ask(endpoint.url, 'tools/call', { name: 'sql', arguments: args }, { headers });

  beforeAll(() => {
    endpoint.door.declared.set('sql', [
      { header: 'Mcp-Param-Region', path: ['region'], type: 'string' },
      { header: 'Mcp-Param-Limit', path: ['page', 'limit'], type: 'integer' },
    ]);
  });

  it.each([
    [
      'what the arguments say',
      { region: 'eu', page: { limit: 42 } },
      { 'Mcp-Param-Region': 'eu', 'mcp-param-limit': '42' },
    ],
    ['a number written in another way', { page: { limit: 42 } }, { 'Mcp-Param-Limit': '42.0' }],
    ['Base64', { region: ' é ' }, { 'Mcp-Param-Region': '=?base64?IMOpIA==?=' }],
    ['nothing of what is not there', {}, {}],
    ['nothing where there are no arguments', undefined, {}],
    ['nothing of null', { region: null }, {}],
  ] satisfies [string, object | undefined, Record<string, string>][])(
    `${req('modern-http.server.params.validated', 'modern-http.server.params.integers', 'modern-http.server.params.null-no-header', 'modern-http.server.headers.base64-decoded')} may say %s`,
    async (_, args, headers) => {
      expect((await call(args, headers)).status).toBe(200);
    },
  );

  it.each([
    ['something else', { region: 'eu' }, { 'Mcp-Param-Region': 'us' }],
    ['nothing of what is there', { region: 'eu' }, {}],
    ['another number', { page: { limit: 42 } }, { 'Mcp-Param-Limit': '43' }],
    ['what is not there', {}, { 'Mcp-Param-Region': 'eu' }],
    ['broken Base64', { region: 'Hello' }, { 'Mcp-Param-Region': '=?base64?SGVsbG8?=' }],
    ['characters beyond ASCII', { region: 'é' }, { 'Mcp-Param-Region': 'Ã©' }],
  ] satisfies [string, object | undefined, Record<string, string>][])(
    `${req('modern-http.server.params.validated', 'modern-http.server.params.missing-rejected', 'modern-http.server.params.invalid-characters')} must not say %s`,
    async (_, args, headers) => {
      const answer = await call(args, headers);
      expect(refusal(answer)).toEqual([400, 1, -32020]);
      expect(JSON.parse(answer.body).error.message).toContain('Mcp-Param-');
      expect(endpoint.door.links).toEqual([]);
    },
  );
});

describe('notifications', () => {
  const note = (method: string, params?: object): string =>
    JSON.stringify({ jsonrpc: '2.0', method, params });
  const headers = { 'MCP-Protocol-Version': MODERN };

  it(`${req('modern-http.server.notification-202')} are taken, with what they say of their client`, async () => {
    const full = note('x/y', { _meta: META });
    for (const body of [full, note('x/z')]) {
      const answer = await post(endpoint.url, body, { headers });
      expect([answer.status, answer.body]).toEqual([202, '']);
    }
    expect(endpoint.door.notified).toEqual([
      { text: full, envelope: expect.objectContaining({ version: MODERN }) },
      { text: note('x/z'), envelope: undefined },
    ]);
  });

  it('that cancel are taken and ignored', async () => {
    const answer = await post(endpoint.url, note('notifications/cancelled', { requestId: 1 }), { headers });
    expect([answer.status, endpoint.door.notified]).toEqual([202, []]);
  });

  it(`${req('modern-http.server.notification-refused', 'modern-http.server.error-without-id')} of a version nobody knows are refused`, async () => {
    const body = note('x/y', { _meta: { ...META, [VERSION]: '2099-01-01' } });
    const answer = await post(endpoint.url, body);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.body)).toEqual({
      jsonrpc: '2.0',
      error: expect.objectContaining({ code: -32022 }),
    });
  });

  it.each([
    ['answers', JSON.stringify({ jsonrpc: '2.0', id: 1, result: {} })],
    ['batches', `[${modernBody(1, 'x/y')}]`],
  ])('are what may come beside requests: %s may not', async (_, body) => {
    const answer = await post(endpoint.url, body, { headers });
    expect(refusal(answer)).toEqual([400, undefined, -32600]);
  });
});

describe('one endpoint', () => {
  it.each(['GET', 'DELETE'])(
    `${req('modern-http.server.get-delete-405')} has no %s in the modern era`,
    async (method) => {
      const client = await Client.open(endpoint.url);
      const headers = { ...client.headers, 'mcp-protocol-version': MODERN };
      const answer = await exchange(endpoint.url, { method, headers });
      expect([answer.status, answer.headers.allow]).toEqual([405, 'POST']);
      expect(await client.ask('ping')).toEqual({});
      if (method === 'GET') (await client.listen()).break();
      expect((await client.delete()).status).toBe(200);
    },
  );

  it(`${req('modern-http.server.era.body-decides')} serves both eras at once`, async () => {
    const client = await Client.open(endpoint.url);
    const answers = await Promise.all([
      client.ask('x/pid'),
      ask(endpoint.url, 'x/pid'),
      client.post(requestBody(5, 'ping'), { 'mcp-method': 'tools/list', 'mcp-name': 'x' }),
      ask(endpoint.url, 'x/pid', {}, { headers: { 'mcp-session-id': client.session } }),
    ]);
    expect(answers[0]).toHaveProperty('pid');
    expect(answers.slice(1)).toMatchObject([{ status: 200 }, { status: 200 }, { status: 200 }]);
    expect(endpoint.door.links).toHaveLength(2);
  });

  it('takes a version that only the session knows', async () => {
    const client = await Client.open(endpoint.url, { version: '2024-10-07' });
    expect(await client.ask('ping')).toEqual({});
    const answer = await client.post(requestBody(1, 'ping'), { 'mcp-protocol-version': '2024-10-08' });
    expect(refusal(answer)).toEqual([400, null, -32022]);
  });
});

describe('pages', () => {
  it(`${req('modern-http.server.origin-validated', 'modern-http.server.origin-403')} of other origins get 403`, async () => {
    const { url } = await start();
    const answer = await ask(`${url}/mcp`, 'tools/list', {}, { headers: { origin: 'http://evil.example' } });
    expect(answer.status).toBe(403);
  });

  it('that may use the proxy may send the headers of the modern era', async () => {
    const { url } = await start({ allowOrigins: ['https://app.example'] });
    const asked = 'content-type,mcp-protocol-version,mcp-method,mcp-name,mcp-param-region,mcp-param-a.b';
    const answer = await exchange(`${url}/mcp`, {
      method: 'OPTIONS',
      headers: {
        origin: 'https://app.example',
        'access-control-request-method': 'POST',
        'access-control-request-headers': asked,
      },
    });
    expect([answer.status, answer.headers['access-control-allow-headers']]).toEqual([
      204,
      asked.replaceAll(',', ', '),
    ]);
  });
});
