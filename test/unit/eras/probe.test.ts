import { describe, expect, it } from 'vitest';
import {
  PROBE_MS,
  ProbedLink,
  SIGN_MS,
  type Verdict,
  verdictOf,
  verdictOfRefusal,
} from '../../../src/eras/probe.js';
import type { CloseReason } from '../../../src/relay/link.js';
import { HandClock } from '../relay/hand-clock.js';
import { MemoryLink, message } from '../relay/memory-link.js';

const GONE: CloseReason = { kind: 'failed', text: 'exit code 7' };
const MODERN = '2026-07-28';

const result = (value: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 'mcp-proxy-probe', result: value });
const error = (code: unknown, data?: unknown): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 'mcp-proxy-probe', error: { code, message: 'no', data } });

describe('the answer to server/discover', () => {
  it.each<[string, string, Verdict]>([
    [
      'a modern server',
      result({ supportedVersions: [MODERN] }),
      { era: 'modern', alsoLegacy: false, version: MODERN },
    ],
    [
      'a server of both eras',
      result({ supportedVersions: [MODERN, '2025-06-18'] }),
      { era: 'modern', alsoLegacy: true, version: MODERN },
    ],
    [
      'one that knows a version of the future too',
      result({ supportedVersions: ['2099-01-01', MODERN] }),
      { era: 'modern', alsoLegacy: false, version: MODERN },
    ],
    [
      'one that knows nothing but the future: it says itself that it can not be used',
      result({ supportedVersions: ['2099-01-01'] }),
      { era: 'modern', alsoLegacy: false, version: '2099-01-01' },
    ],
    [
      'one that refuses the version, and knows ours',
      error(-32022, { supported: [MODERN] }),
      { era: 'modern', alsoLegacy: false, version: MODERN },
    ],
    [
      'one that refuses the version, and knows both eras',
      error(-32022, { supported: ['2025-11-25', MODERN] }),
      { era: 'modern', alsoLegacy: true, version: MODERN },
    ],
    [
      'one that refuses the version, and knows only the future: it must not be asked for a session',
      error(-32022, { supported: ['2099-01-01'] }),
      { era: 'modern', alsoLegacy: false, version: '2099-01-01' },
    ],
    [
      'one that wants a capability for it',
      error(-32021, { requiredCapabilities: { sampling: {} } }),
      { era: 'modern', alsoLegacy: false, version: undefined },
    ],
    ['legacy versions alone', result({ supportedVersions: ['2025-11-25'] }), { era: 'legacy', by: 'answer' }],
    [
      '-32022 with legacy versions alone',
      error(-32022, { supported: ['2025-11-25', '2024-11-05'] }),
      { era: 'legacy', by: 'answer' },
    ],
    [
      'a legacy version among those of the future',
      result({ supportedVersions: ['2025-11-25', '2099-01-01'] }),
      { era: 'legacy', by: 'answer' },
    ],
    ['-32022 with nothing', error(-32022), { era: 'legacy', by: 'answer' }],
    ['-32022 with an empty list', error(-32022, { supported: [] }), { era: 'legacy', by: 'answer' }],
    ['-32022 with no texts', error(-32022, { supported: [1, null] }), { era: 'legacy', by: 'answer' }],
    ['-32021 with nothing', error(-32021), { era: 'legacy', by: 'answer' }],
    ['-32601', error(-32601), { era: 'legacy', by: 'answer' }],
    ['-32602', error(-32602, { supported: [MODERN] }), { era: 'legacy', by: 'answer' }],
    ['-32000', error(-32000), { era: 'legacy', by: 'answer' }],
    ['a code that is none', error('-32022', { supported: [MODERN] }), { era: 'legacy', by: 'answer' }],
    ['an empty result', result({}), { era: 'legacy', by: 'answer' }],
    ['no object', result([MODERN]), { era: 'legacy', by: 'answer' }],
    ['no list', result({ supportedVersions: MODERN }), { era: 'legacy', by: 'answer' }],
    ['an empty list', result({ supportedVersions: [] }), { era: 'legacy', by: 'answer' }],
  ])('%s', (_name, answer, verdict) => {
    expect(verdictOf(message(answer))).toEqual(verdict);
  });
});

describe('the refusal of an initialize', () => {
  it.each<[string, string, Verdict['era']]>([
    ['-32020', error(-32020), 'modern'],
    ['-32022 with what it knows', error(-32022, { supported: [MODERN] }), 'modern'],
    ['-32021 with what it wants', error(-32021, { requiredCapabilities: {} }), 'modern'],
    ['-32022 with nothing', error(-32022), 'legacy'],
    ['-32022 with legacy versions alone', error(-32022, { supported: ['2024-11-05'] }), 'legacy'],
    ['-32023, which nobody has defined yet', error(-32023), 'legacy'],
    ['-32019, which is for anybody', error(-32019), 'legacy'],
    ['-32602', error(-32602), 'legacy'],
  ])('%s', (_name, refusal, era) => {
    expect(verdictOfRefusal(message(refusal)).era).toBe(era);
  });

  it('is not what the answer to server/discover is, which names its version in all that it has', () => {
    expect(verdictOf(message(error(-32020)))).toEqual({ era: 'legacy', by: 'answer' });
  });
});

function probed() {
  const upstream = new MemoryLink();
  const clock = new HandClock();
  const late: Verdict[] = [];
  const link = new ProbedLink(upstream, clock, { name: 'proxy', version: '1' }, (one) => late.push(one));
  const asked = upstream.takeOne();
  const got: string[] = [];
  const closings: CloseReason[] = [];
  const listen = (): void =>
    link.listen({ message: ({ text }) => got.push(text), closed: (reason) => closings.push(reason) });
  return { upstream, clock, late, link, asked, got, closings, listen };
}

const NOTE = '{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}';
const PONG = '{"jsonrpc":"2.0","id":"mcp-proxy-ping","result":{}}';
const NO_PONG = '{"jsonrpc":"2.0","id":"mcp-proxy-ping","error":{"code":-32601,"message":"no"}}';
const PING = '{"jsonrpc":"2.0","id":1,"method":"ping"}';

describe('a link whose server is asked what it speaks', () => {
  it('asks with all that a modern request has to say, and waits no longer than it needs', async () => {
    const { upstream, clock, asked, link } = probed();
    expect(JSON.parse(asked)).toEqual({
      jsonrpc: '2.0',
      id: 'mcp-proxy-probe',
      method: 'server/discover',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientInfo': { name: 'proxy', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    });
    upstream.says(result({ supportedVersions: [MODERN] }));
    expect(await link.verdict).toEqual({ era: 'modern', alsoLegacy: false, version: MODERN });
    expect(clock.timers).toBe(0);
  });

  it('takes silence for the legacy era where a ping is answered, and what comes later for what it is, once', async () => {
    for (const answer of [PONG, NO_PONG]) {
      const { upstream, clock, link, late, got, listen } = probed();
      clock.advance(PROBE_MS - 1);
      expect(upstream.take()).toEqual([]);
      clock.advance(1);
      expect(JSON.parse(upstream.takeOne())).toMatchObject({ id: 'mcp-proxy-ping', method: 'ping' });
      upstream.says(answer);
      expect(await link.verdict).toEqual({ era: 'legacy', by: 'silence' });
      expect(clock.timers).toBe(0);
      upstream.says(result({ supportedVersions: [MODERN] }));
      expect(late).toEqual([{ era: 'modern', alsoLegacy: false, version: MODERN }]);
      listen();
      expect(got).toEqual([]);
    }
  });

  it('waits longer for a server that shows no sign, and takes its answer then', async () => {
    const { upstream, clock, link, late, got, listen } = probed();
    clock.advance(SIGN_MS - 1);
    upstream.says(result({ supportedVersions: [MODERN] }));
    expect(await link.verdict).toEqual({ era: 'modern', alsoLegacy: false, version: MODERN });
    upstream.says(NO_PONG);
    listen();
    expect(got).toEqual([]);
    expect(late).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('has a verdict also where there is no sign at all, and hears what comes later', async () => {
    const { upstream, clock, link, late } = probed();
    clock.advance(SIGN_MS);
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'nothing' });
    upstream.says(result({ supportedVersions: [MODERN] }));
    upstream.says(PONG);
    expect(late).toEqual([{ era: 'modern', alsoLegacy: false, version: MODERN }]);
  });

  it('takes the end of the server for the legacy era', async () => {
    const { upstream, clock, link, closings, listen } = probed();
    upstream.goes(GONE);
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'end' });
    listen();
    expect(closings).toEqual([GONE]);
    expect(clock.timers).toBe(0);
  });

  it('has a verdict also where it is closed before', async () => {
    const { upstream, clock, link, closings, listen } = probed();
    listen();
    link.close({ kind: 'stopping', text: 'over' });
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'end' });
    expect(upstream.closings).toHaveLength(1);
    expect(closings).toEqual([]);
    expect(clock.timers).toBe(0);
  });

  it('takes an error that names no request for the answer: nothing else was asked', async () => {
    const { upstream, clock, link, got, listen } = probed();
    upstream.says('{"jsonrpc":"2.0","id":null,"error":{"code":-32601,"message":"no"}}');
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'answer' });
    expect(clock.timers).toBe(0);
    listen();
    expect(got).toEqual([]);
  });

  it('is nobody else`s business afterwards: a second answer, an error without id and all others pass', async () => {
    const { upstream, link, got, late, listen } = probed();
    upstream.says(error(-32601));
    await link.verdict;
    listen();
    const nameless = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"no"}}';
    upstream.says(nameless);
    upstream.says(PING);
    expect(got).toEqual([nameless, PING]);
    link.send(message(PING));
    expect(upstream.takeOne()).toBe(PING);
    expect(late).toEqual([]);
  });

  it('keeps what comes before anybody listens, in its order, and not without end', async () => {
    const { upstream, link, got, listen, closings } = probed();
    upstream.says(PING);
    for (let n = 0; n < 1000; n++) upstream.says(NOTE);
    upstream.says(error(-32601));
    await link.verdict;
    listen();
    expect(got[0]).toBe(PING);
    expect(got.length).toBeGreaterThan(10);
    expect(got.length).toBeLessThan(200);
    upstream.says(NOTE);
    expect(got.at(-1)).toBe(NOTE);
    upstream.goes(GONE);
    expect(closings).toEqual([GONE]);
  });

  it('keeps no more octets than it may', () => {
    const { upstream, got, listen } = probed();
    const large = NOTE.replace('1}}', `"${'x'.repeat(700_000)}"}}`);
    for (let n = 0; n < 5; n++) upstream.says(large);
    upstream.says(PING);
    listen();
    expect(got.filter((text) => text === large)).toHaveLength(1);
  });

  it('passes what belongs to a request on with it', () => {
    const { upstream, link } = probed();
    const heard: unknown[] = [];
    link.listen({ message: (_, about) => heard.push(about), closed: () => undefined });
    upstream.says(NOTE, '7');
    expect(heard).toEqual(['7']);
  });
});
