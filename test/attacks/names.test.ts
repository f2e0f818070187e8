/** Names of servers that are paths, keys or something else than names: in requests, and in the configuration. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../e2e/harness/processes.js';
import { PROXY, type StartedProxy, startProxy } from '../e2e/harness/proxy.js';
import { http } from '../e2e/harness/raw-http.js';
import { modernCall, modernPost, responseOf } from '../e2e/harness/raw-modern.js';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { Socket } from './harness/socket.js';
import { LENIENT, raw } from './harness/target.js';

const scope = new Scope();
const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
afterAll(async () => {
  await scope.end();
  rmSync(directory, { recursive: true });
});

const [command, ...args] = LENIENT;
const ANN = 'ann-0123456789abcdef';
const BOB = 'bob-0123456789abcdef';
const ENV = { MCP_PROXY_API_KEYS: `ann:${ANN}\nbob:${BOB}` };

/** A configuration as text, since `__proto__` would be no key in a literal. */
function configuration(servers: readonly (readonly [name: string, more?: object])[]): string {
  const entries = servers.map(
    ([name, more = {}]) => `${JSON.stringify(name)}:${JSON.stringify({ command, args, ...more })}`,
  );
  const file = join(directory, `${Math.random()}.json`);
  writeFileSync(file, `{"mcpServers":{${entries.join(',')}}}`);
  return file;
}

describe('a path', () => {
  let proxy: StartedProxy;
  beforeAll(async () => {
    const only = (...keys: string[]): object => ({ access: { keys } });
    const file = configuration([
      ['secret', only('ann')],
      ['open', only('ann', 'bob')],
      ['caf\u00e9', only('ann')],
      ['a b', only('ann')],
    ]);
    proxy = await startProxy(scope, ['--named-server-config', file], { env: ENV });
  });

  const TRICKS = [
    '/servers/secret/mcp',
    '/servers/open/../secret/mcp',
    '/servers/open%2f..%2fsecret/mcp',
    '/servers/open%2F%2E%2E%2Fsecret%2Fmcp',
    '/servers/%2e%2e/servers/secret/mcp',
    '/servers/..%2fservers%2fsecret/mcp',
    '/servers/open%252f..%252fsecret/mcp',
    '/servers/%73ecret/mcp',
    '/servers/%2573ecret/mcp',
    '/servers/open\\..\\secret/mcp',
    '/servers/open%5c..%5csecret/mcp',
    '/servers\\secret\\mcp',
    '//servers/secret/mcp',
    '/servers//secret/mcp',
    '/./servers/secret/mcp',
    '/servers/secret;x/mcp',
    '/servers;x/secret/mcp',
    '/servers/secret%00/mcp',
    '/servers/secret%00.open/mcp',
    '/servers/open%00secret/mcp',
    '/servers/secret./mcp',
    '/servers/secret%20/mcp',
    '/servers/%20secret/mcp',
    '/servers/secret%0a/mcp',
    '/servers/SECRET/mcp',
    '/servers/Secret/mcp',
    '/servers/%EF%BD%93ecret/mcp',
    '/servers/\u017fecret/mcp',
    '/servers/s%C2%ADecret/mcp',
    '/servers/caf%C3%A9/mcp',
    '/servers/cafe%CC%81/mcp',
    '/servers/caf%E9/mcp',
    '/servers/a+b/mcp',
    '/servers/a%20b/mcp',
    '/servers/open?/../secret/mcp',
    '/servers/open/mcp/../../secret/mcp',
    '/servers/open/mcp%2f..%2f..%2fsecret/mcp',
    '/mcp?server=secret',
    '/mcp?name=secret&path=/servers/secret/mcp',
    '/mcp#/servers/secret/mcp',
    '/secret/mcp',
    '/servers/secret',
    '/servers/secret/mcp/..',
  ];

  it.each(TRICKS)(
    `${guards('path.exact')} leads nobody to a server that they may not use: %s`,
    async (path) => {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'x', version: '1' } },
      });
      const socket = await Socket.open(scope, proxy.url);
      const lines = ['Content-Type: application/json', 'Accept: application/json, text/event-stream'];
      const target = Buffer.from(path).toString('latin1');
      socket.write(
        raw(
          [
            `POST ${target} HTTP/1.1`,
            `Host: ${new URL(proxy.url).host}`,
            `X-API-Key: ${BOB}`,
            'X-Original-URL: /servers/secret/mcp',
            'X-Rewrite-URL: /servers/secret/mcp',
            'X-Forwarded-Prefix: /servers/secret',
            `Content-Length: ${body.length}`,
            ...lines,
          ],
          body,
        ),
      );
      const [answer] = await socket.answers(1);
      // Octets that are no ASCII are no target.
      expect([404, 400]).toContain(answer?.status);
      expect(answer?.body).not.toContain('lenient');
      const status = await http(`${proxy.url}/status`, { headers: { 'x-api-key': ANN } });
      const { servers } = JSON.parse(await status.text());
      expect(servers.flatMap((one: { sessions: object[] }) => one.sessions)).toEqual([]);
    },
  );

  it(`${guards('path.exact')} leads to the server of that very name`, async () => {
    for (const [path, key] of [
      ['/servers/open/mcp', BOB],
      ['/servers/secret/mcp', ANN],
      ['/servers/%73ecret/mcp/', ANN],
      ['/servers/caf%C3%A9/mcp?server=open', ANN],
      ['/servers/a%20b/mcp', ANN],
    ] as const) {
      const answer = await modernCall(proxy.url + path, 'x', {}, { headers: { 'x-api-key': key } });
      expect(await responseOf(answer), path).toMatchObject({ result: { took: 'tools/call' } });
    }
  });
});

describe('a name in the configuration', () => {
  const ODD = [
    '__proto__',
    'constructor',
    'toString',
    'prototype',
    'hasOwnProperty',
    'default ',
    '...',
    ' ',
    '%2e%2e',
    '%2F',
    'a\\b',
    'a;b',
    'a?b#c',
    'a:b@c',
    'a\r\nX-Evil: 1',
    '\u001b[2J',
    '\u202eab',
    '\u2028',
    'a\0b',
    '\ud83d\ude00',
    'caf\u00e9',
    'cafe\u0301',
    'x'.repeat(1000),
  ];

  it(`${guards('path.names')} is served at its encoded path, and is that of no other`, async () => {
    const named = ODD.map((name, at) => [name, { env: { AT: `at ${at}` } }] as const);
    const proxy = await startProxy(scope, ['--debug', '--named-server-config', configuration(named)]);
    for (const [at, name] of ODD.entries()) {
      const { mcp, sse } = proxy.of(name);
      expect(mcp).toBe(`${proxy.url}/servers/${encodeURIComponent(name)}/mcp`);
      expect(mcp).toMatch(/^[\x21-\x7e]+$/);
      const { result } = await responseOf(await modernPost(mcp, 'x/environment'));
      expect(result, name).toMatchObject({ env: { AT: `at ${at}` } });
      const stream = await http(sse, { headers: { accept: 'text/event-stream' } });
      const { data } = await stream.events().next();
      expect(data).toMatch(/^\/servers\/[\x21-\x7e]+\/messages\/\?session_id=[\x21-\x7e]+$/);
      expect(data.startsWith(`/servers/${encodeURIComponent(name)}/messages/`)).toBe(true);
      stream.abort();
    }
    const { servers } = JSON.parse(await (await http(`${proxy.url}/status`)).text());
    expect(servers.map(({ name }: { name: string }) => name)).toEqual(ODD);
    expect(proxy.program.stderr()).not.toMatch(/(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  });

  it.each(['', '.', '..', 'a/b', '/', '../../etc', '\ud800'])(
    `${guards('path.names')} that cannot stand in a path is refused at start, in words: %j`,
    async (name) => {
      const words = [PROXY, '--port', '0', '--named-server-config', configuration([[name]])];
      const program = start(process.execPath, words);
      expect((await program.ended).code).toBe(2);
      expect(program.stderr()).toMatch(/name of a server|a server cannot be called/);
      const given = start(process.execPath, [PROXY, '--port', '0', '--named-server', name, 'true']);
      // Half a surrogate pair is no argument of a program: what arrives is another name.
      if (name !== '\ud800') expect((await given.ended).code).toBe(2);
      else given.kill('SIGKILL');
    },
  );
});
