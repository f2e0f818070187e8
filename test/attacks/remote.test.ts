/** Client mode between a client and a remote server, each of which attacks the other through the proxy. */
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { headerOf, legacy, modern, octets, type Received, result, serveRemote } from './harness/remote.js';
import { peakMiB } from './harness/target.js';

const scope = new Scope();
afterEach(() => scope.end());

const SPLIT = [
  '\r\nX-Evil: 1',
  '\nX-Evil: 1',
  '\rX-Evil: 1',
  '\r\n\r\nGET /evil HTTP/1.1\r\nHost: x\r\n\r\n',
];
const EVIL = [
  ...SPLIT,
  '\0',
  '\u010d\u010aX-Evil: 1',
  '\u2028X-Evil: 1',
  ' lead',
  'trail ',
  '',
  '=?base64?AA==?=',
];

/** Names of headers that the proxy may send. */
const KNOWN = new Set(
  'accept,cache-control,connection,content-length,content-type,host,mcp-method,mcp-name,mcp-protocol-version,mcp-session-id,user-agent'.split(
    ',',
  ),
);

/** Every request is one that the proxy meant, with no header that somebody put into another. */
function expectWhole(received: readonly Received[], more: (name: string) => boolean = () => false): void {
  for (const one of received) {
    expect(one.line).toMatch(/^(POST|GET|DELETE) \/(mcp|post\S*) HTTP\/1\.1$/);
    expect(one.headers.map(([name]) => name).filter((name) => !KNOWN.has(name) && !more(name))).toEqual([]);
    const names = one.headers.map(([name]) => name);
    expect(new Set(names).size).toBe(names.length);
  }
}

describe('what a client says', () => {
  it(`${guards('injection.headers')} never splits a request or adds a header, whatever it calls a tool`, async () => {
    const remote = await serveRemote(scope, (one) => modern(one));
    const client = new RawStdio(scope, remote.url);
    const names = [...EVIL, '__proto__', 'x'.repeat(10_000), '\ud83d\ude00'];
    for (const [id, name] of names.entries()) {
      const answer = await client.modern('tools/call', { name, arguments: {} }, { id });
      expect(answer, JSON.stringify(name)).toMatchObject({ id, result: { took: 'tools/call' } });
      const read = await client.modern('resources/read', { uri: name }, { id: `r${id}` });
      expect(read).toMatchObject({ result: { took: 'resources/read' } });
    }
    const calls = remote.received.filter(({ message }) => message.method === 'tools/call');
    expect(calls.map(({ message }) => message.params.name)).toEqual(names);
    for (const call of calls) {
      const value = headerOf(call, 'mcp-name') ?? '';
      expect(value).toMatch(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);
      const [, base64] = /^=\?base64\?(.*)\?=$/.exec(value) ?? [];
      const name = base64 === undefined ? value : Buffer.from(base64, 'base64').toString();
      expect(name).toBe(call.message.params.name);
    }
    expectWhole(remote.received);
  });

  it(`${guards('injection.headers')} nor whatever it calls a method or a version, or asks to go on from`, async () => {
    const remote = await serveRemote(scope, (one) => modern(one));
    const client = new RawStdio(scope, remote.url);
    await client.modern('ping', {}, { id: 'first' });
    for (const [at, text] of EVIL.filter((one) => !one.startsWith('=?')).entries()) {
      expect(await client.modern(`ping${text}`, {}, { id: at })).toMatchObject({ id: at });
      const _meta = {
        'io.modelcontextprotocol/protocolVersion': `2026-07-28${text}`,
        'io.modelcontextprotocol/clientCapabilities': {},
      };
      client.write({ id: `v${at}`, method: 'ping', params: { _meta } });
      expect(await client.answer(`v${at}`)).toMatchObject({ id: `v${at}` });
    }
    expectWhole(remote.received);
    for (const one of remote.received) expect(headerOf(one, 'mcp-method')).toBe(one.message.method);
  });

  it(`${guards('injection.headers')} nor what it passes to parameters that a tool wants in headers`, async () => {
    const property = (name: string): string => JSON.stringify({ type: 'string', 'x-mcp-header': name });
    const tool = (name: string, properties: string): string =>
      `{"name":${JSON.stringify(name)},"inputSchema":{"type":"object","properties":${properties}}}`;
    const refused = [
      'Host: evil',
      'Authorization: x\r\nEvil',
      'A\r\nX-Evil',
      'A:',
      'A B',
      '',
      '\u00e9',
      '\0',
      'Transfer-Encoding\n',
    ];
    const tools = [
      tool(
        'good',
        `{"v":${property('Host')},"w":${property('__proto__')},"__proto__":${property('constructor')}}`,
      ),
      tool('twice', `{"a":${property('Twice')},"b":${property('tWICE')}}`),
      ...refused.map((name, at) => tool(`bad${at}`, `{"v":${property(name)}}`)),
    ];
    const remote = await serveRemote(scope, (one) => modern(one, `[${tools.join(',')}]`));
    const client = new RawStdio(scope, remote.url);
    const listed = await client.modern('tools/list', {}, { id: 'list' });
    expect(listed.result?.tools).toMatchObject([{ name: 'good' }]);
    const values = [...EVIL, 'x'.repeat(1_000_000)];
    for (const [id, v] of values.entries()) {
      const args = JSON.parse(`{"v":${JSON.stringify(v)},"w":"a","__proto__":"b"}`);
      const answer = await client.modern('tools/call', { name: 'good', arguments: args }, { id });
      expect(answer).toMatchObject({ result: { took: 'tools/call' } });
    }
    for (const [at] of refused.entries()) {
      const called = { name: `bad${at}`, arguments: { v: '\r\nX-Evil: 1' } };
      expect(await client.modern('tools/call', called, { id: `bad${at}` })).toMatchObject({ id: `bad${at}` });
    }
    const declared = ['mcp-param-host', 'mcp-param-__proto__', 'mcp-param-constructor'];
    expectWhole(remote.received, (name) => declared.includes(name));
    const { host } = new URL(remote.url);
    for (const one of remote.received) expect(headerOf(one, 'host')).toBe(host);
  });
});

describe('what a remote server answers', () => {
  /** Client mode with a server that answers `initialize` like this; the answer that the client gets. */
  async function met(hello: (one: Received) => string): Promise<{
    readonly client: RawStdio;
    readonly received: readonly Received[];
    // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
    readonly answer: any;
  }> {
    const remote = await serveRemote(scope, (one) =>
      one.message.method === 'initialize' ? hello(one) : legacy(one),
    );
    const client = new RawStdio(scope, remote.url, ['--debug']);
    return { client, received: remote.received, answer: await client.begin() };
  }

  const FORGED = octets(result(2, { evil: true }));

  it.each([
    ['both lengths', (text: string) => octets(text, ['Transfer-Encoding: chunked'])],
    ['two lengths', (text: string) => octets(text, ['Content-Length: 3'])],
    ['a folded header', (text: string) => octets(text, ['X-A: b', ' Content-Length: 3'])],
    ['a blank before a colon', (text: string) => octets(text, ['Transfer-Encoding : chunked'])],
    ['another answer behind it', (text: string) => octets(text)],
  ])(`${guards('injection.answers')} never becomes the answer to another request: %s`, async (_, write) => {
    const { client, answer } = await met(({ message }) => write(legacyHello(message.id)) + FORGED);
    expect(answer.id).toBe('init');
    client.write({ id: 2, method: 'ping' });
    const second = await client.answer(2);
    expect(JSON.stringify(second)).not.toContain('evil');
    expect(client.program.stdout()).not.toContain('evil');
  });

  it.each([
    ['a control', 'a\x01b'],
    ['a CR', 'a\rX-Evil: 1'],
    ['an LF', 'a\nX-Evil: 1'],
    ['octets beyond ASCII', 'a\xe9b'],
    ['a blank', 'a b'],
    ['100 kB', 'a'.repeat(100_000)],
  ])(
    `${guards('injection.session')} as the id of its session is sent back as it is or not at all: %s`,
    async (_, id) => {
      const { client, received, answer } = await met((one) => legacy(one, [`Mcp-Session-Id: ${id}`]));
      expect(answer.id).toBe('init');
      client.write({ id: 2, method: 'ping' });
      expect((await client.answer(2)).id).toBe(2);
      client.program.closeStdin();
      await client.program.ended;
      for (const one of received) expect(headerOf(one, 'mcp-session-id')).toBeUndefined();
      expectWhole(received);
    },
  );

  it.each([
    ['another origin', 'http://127.0.0.2:9/post', 'another origin'],
    ['another origin, by its host alone', '//evil.example/post', 'another origin'],
    ['a user before the host', 'http://127.0.0.1@evil.example/post', 'another origin'],
    ['another scheme', 'file:///etc/passwd', 'another origin'],
    ['a script', 'javascript:alert(1)', 'another origin'],
    ['a CR LF in it', '/post\r\ndata: HTTP/1.1\r\ndata: X-Evil: 1', ''],
  ])(
    `${guards('injection.endpoint')} as the address to post to gets nothing but its own requests: %s`,
    async (_, endpoint, refusal) => {
      let stream: { write(text: string): unknown } | undefined;
      const remote = await serveRemote(scope, (one, connection) => {
        if (one.line.startsWith('GET')) {
          stream = connection;
          const event = `event: endpoint\r\ndata: ${endpoint}\r\n\r\n`;
          return `HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n${event}`;
        }
        const { id, method, params } = one.message;
        if (method === 'initialize') {
          const hello = {
            protocolVersion: params.protocolVersion,
            capabilities: {},
            serverInfo: { name: 'r', version: '1' },
          };
          stream?.write(`data: ${result(id, hello)}\n\n`);
        }
        return octets('', [], '202 Accepted');
      });
      const client = new RawStdio(scope, remote.url, [
        '--transport',
        'sse',
        '--headers',
        'X-Key',
        'secret-canary',
      ]);
      const answer = await client.begin();
      if (refusal === '') expect(answer).toMatchObject({ result: {} });
      else expect(answer.error?.message).toContain(refusal);
      expectWhole(remote.received, (name) => name === 'x-key');
    },
  );

  const BOMB = gzipSync(Buffer.alloc(512 * 1024 * 1024), { level: 1 }).toString('latin1');
  const GZIP = 'Content-Encoding: gzip';

  it.each([
    ['as JSON', octets(BOMB, [GZIP])],
    ['as an event stream', octets(BOMB, [GZIP, 'Content-Type: text/event-stream'])],
    [
      'as the words of an error',
      octets(BOMB, [GZIP, 'Content-Type: text/plain'], '500 Internal Server Error'),
    ],
    ['as JSON that is called plain', octets(BOMB)],
    [
      'in a transfer coding',
      `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: gzip, chunked\r\n\r\n${BOMB.length.toString(16)}\r\n${BOMB}\r\n0\r\n\r\n`,
    ],
  ])(`${guards('bomb.answer')} is never unpacked, and the client is told in words: %s`, async (_, bomb) => {
    const { client, answer } = await met(() => bomb);
    expect(answer.error?.message).toMatch(/encoding|status 500|no MCP message/);
    expect(answer.error?.message.length).toBeLessThan(2000);
    expect(peakMiB(client.program.pid)).toBeLessThan(256);
    client.write({ id: 2, method: 'ping' });
    expect((await client.answer(2)).id).toBe(2);
  });

  it(`${guards('log.escaped')} is no more than words in the log`, async () => {
    const words = '\u001b[2J\u009b31m\u202e\u2028evil\r\n2026-01-01T00:00:00.000Z ERROR forged';
    const text = Buffer.from(words).toString('latin1');
    const { client } = await met(() => octets(text, ['Content-Type: text/plain'], '500 Error'));
    client.program.closeStdin();
    await client.program.ended;
    expect(client.program.stderr()).toContain('evil');
    expect(client.program.stderr()).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
    expect(client.program.stderr()).not.toMatch(/^2026-01-01/m);
  });
});

function legacyHello(id: unknown): string {
  const serverInfo = { name: 'remote', version: '1' };
  return result(id, { protocolVersion: '2025-11-25', capabilities: {}, serverInfo });
}
