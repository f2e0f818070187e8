/**
 * What a request says must stay what it is wherever it gets to: one line on the server's stdin, nothing in its
 * environment, and no more than words in the log.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { http } from '../e2e/harness/raw-http.js';
import { modernCall, responseOf } from '../e2e/harness/raw-modern.js';
import { RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { Socket } from './harness/socket.js';
import { LENIENT, raw, Target } from './harness/target.js';

const scope = new Scope();
let target: Target;

beforeAll(async () => {
  target = await Target.start(scope, ['--debug']);
});
afterAll(() => scope.end());

/** All that ends a line anywhere, and that JSON lets stand in a text as it is. */
const ENDS = ['\u2028', '\u2029', '\u0085'];
const SECOND = JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'x/second' });

describe('the stdin of a server', () => {
  it.each([
    ['LF', '\n'],
    ['CR', '\r'],
    ['CR LF', '\r\n'],
  ])(
    `${guards('stdin.one-line')} gets a message that is written on many lines as one: %s`,
    async (_, end) => {
      const body = ['{', '"jsonrpc":"2.0",', '"id":"lines",', `"method":"x/lines-${end.length}"`, '}', ''];
      const { text } = await target.post(body.join(end));
      expect(JSON.parse(text)).toMatchObject({ id: 'lines', result: { took: `x/lines-${end.length}` } });
      await target.serves();
    },
  );

  it.each(ENDS)(
    `${guards('stdin.one-line')} gets a text with the line end %j in it in one line`,
    async (end) => {
      const inside = `a${end}${SECOND}${end}b`;
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: inside,
        method: 'x/first',
        params: { [inside]: inside },
      });
      expect(body).toContain(end);
      const { text } = await target.post(Buffer.from(body).toString('latin1'));
      expect(JSON.parse(Buffer.from(text).toString())).toMatchObject({
        id: inside,
        result: { took: 'x/first' },
      });
      const lines = (await target.lines()).filter((line) => line.includes('x/second'));
      expect(lines.filter((line) => !line.includes('x/first'))).toEqual([]);
      const [line = ''] = lines.slice(-1);
      expect(JSON.parse(Buffer.from(line, 'latin1').toString()).params).toEqual({ [inside]: inside });
    },
  );

  it(`${guards('stdin.one-line')} so it is with what a modern client says of a tool, in its body and its headers`, async () => {
    for (const end of [...ENDS, '\n', '\r']) {
      const name = `a${end}${SECOND}`;
      const encoded = `=?base64?${Buffer.from(name).toString('base64')}?=`;
      const called = await modernCall(target.mcp, name, { a: name }, { headers: { 'mcp-name': encoded } });
      expect(await responseOf(called)).toMatchObject({ result: { took: 'tools/call', name } });
    }
    const lines = (await target.lines()).filter((line) => line.includes('x/second'));
    expect(lines.filter((line) => !line.includes('tools/call') && !line.includes('x/first'))).toEqual([]);
  });
});

it(`${guards('environment.given')} the environment of a server has what its definition says, whatever requests say`, async () => {
  const proxy = await startProxy(scope, ['-e', 'GIVEN', 'yes', '--', ...LENIENT], {
    env: { HTTP_PROXY: '', NOT_GIVEN: 'canary' },
  });
  const { mcp } = proxy.of('default');
  const headers: Record<string, string> = {
    proxy: 'http://canary.example',
    'http-proxy': 'canary',
    'node-options': '--require=canary',
    'x-forwarded-prefix': '/canary',
    'mcp-param-path': 'canary',
    baggage: 'NODE_OPTIONS=canary',
    traceparent: '00-canary',
  };
  // A client that can be asked has a process of its own, which is started for it.
  const session = await RawSession.begin(`${mcp}?NODE_OPTIONS=canary&env=canary#canary`, {
    capabilities: { roots: {}, env: { NODE_OPTIONS: 'canary' } },
    clientName: 'env NODE_OPTIONS=canary',
  });
  const body = {
    jsonrpc: '2.0',
    id: 1,
    method: 'x/environment',
    params: { env: { NODE_OPTIONS: 'canary' } },
  };
  const { result } = JSON.parse(await (await session.postText(JSON.stringify(body), headers)).text());
  const { env, args } = result;
  expect(JSON.stringify({ env, args })).not.toContain('canary');
  expect(args).toEqual([]);
  const usual = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];
  expect(Object.keys(env).filter((name) => !usual.includes(name))).toEqual(['GIVEN']);
});

describe('the log', () => {
  /** Ends of lines, what moves a terminal's cursor, and what turns the direction of the text. */
  const HARMFUL = /(?!\n)[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u;
  const FORGED = '2026-01-01T00:00:00.000Z ERROR forged';
  const TEXTS = [
    `\u001b[2J\u001b]0;title\u0007\u009b31m`,
    `\r${FORGED}`,
    `\n${FORGED}`,
    `\u2028${FORGED}\u2029\u0085`,
    '\u202egnihtemos\u2066\u200f\u061c',
    '\0\b\u007f\v\f',
  ];

  it.each(TEXTS)(`${guards('log.escaped')} has nothing that is more than a word in it: %j`, async (text) => {
    const proxy = await startProxy(scope, ['--debug', '--', ...LENIENT]);
    const { mcp } = proxy.of('default');
    // A header may have octets beyond ASCII, C1 controls among them.
    const octets = Buffer.from(text)
      .toString('latin1')
      .replace(/(?![\x80-\x9f])\p{Cc}/gu, '');
    const headers = { 'mcp-session-id': octets, 'mcp-protocol-version': octets, origin: octets };
    const { host } = new URL(proxy.url);
    for (const name of [
      ...Object.keys(headers),
      'accept',
      'content-type',
      'host',
      'authorization',
      'mcp-name',
    ]) {
      const socket = await Socket.open(scope, proxy.url);
      const own = name === 'host' ? [] : [`Host: ${host}`];
      socket.write(
        raw([
          `POST /mcp?${encodeURIComponent(text)} HTTP/1.1`,
          ...own,
          `${name}: ${octets}`,
          'Content-Length: 0',
        ]),
      );
      await socket.answers(1);
      socket.close();
    }
    const session = await RawSession.begin(mcp, {
      clientName: text,
      capabilities: { roots: {}, [text]: {} },
    });
    for (const message of [
      { id: 1, method: text },
      { id: text, method: 'x/say', params: { text } },
      { method: text, params: { [text]: text } },
      { method: 'notifications/cancelled', params: { requestId: text, reason: text } },
      { id: text, result: { [text]: text } },
      { id: text, error: { code: -1, message: text } },
    ]) {
      await (await session.post(message)).text();
    }
    const named = { 'mcp-name': `=?base64?${Buffer.from(text).toString('base64')}?=` };
    await modernCall(mcp, text, { [text]: text }, { clientName: text, headers: named });
    for (const path of [`/servers/${encodeURIComponent(text)}/mcp`, `/${encodeURIComponent(text)}`]) {
      await http(proxy.url + path);
    }
    await session.end();
    proxy.program.kill('SIGTERM');
    await proxy.program.ended;
    const log = proxy.program.stderr();
    // The client's name is told, and what the server says on either of its streams.
    expect(log).toContain('INFO [default] session of');
    expect(log).not.toMatch(HARMFUL);
    const lines = log.split('\n').filter((line) => !line.startsWith('{"event":"listening"'));
    expect(lines.filter((line) => !/^(\d{4}-\d\d-\d\dT[\d:.]+Z [A-Z]+ | {4}|$)/.test(line))).toEqual([]);
    expect(lines.filter((line) => line.startsWith(FORGED))).toEqual([]);
  });
});
