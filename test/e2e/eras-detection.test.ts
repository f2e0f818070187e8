/**
 * Server mode: which era a server speaks is found out, whatever it does when it is asked, and clients of both
 * eras are served either way.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { asJson, type Json } from './harness/client.js';
import { LEGACY_RAW, MODERN_RAW, type StartedProxy, startProxy } from './harness/proxy.js';
import type { Message } from './harness/raw-http.js';
import { modernCall, modernPost, responseOf } from './harness/raw-modern.js';
import { RawSession } from './harness/raw-session.js';
import { Scope } from './harness/scope.js';

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterAll(() => rmSync(directory, { recursive: true }));

const LEGACY = 'legacy';
const MODERN = 'modern';
const unsupported = (...supported: string[]) =>
  JSON.stringify({ code: -32022, message: 'No', data: { supported, requested: '2026-07-28' } });

interface Row {
  readonly title: string;
  readonly command: readonly [string, ...string[]];
  readonly env?: Readonly<Record<string, string>>;
  readonly options?: readonly string[];
  readonly era: 'legacy' | 'modern';
  /** How many processes there have been once a client of each era was served, and why. */
  readonly starts: number;
  /** Part of the line of the log that gives the verdict. */
  readonly said?: RegExp;
}

/** A legacy server: two clients that do not look the same, and a process that waits for the modern one's next call. */
const EACH_ONE = 3;
const DIED = 1;
/** What gives no sign at all may not do anything any more: others are served by processes that were not asked. */
const SAID_NOTHING = 1;
/** A modern server: all share a process, once another one has refused a session of the legacy era. */
const EVERYBODY = 1;
const REFUSED = 1;

const QUICK: readonly Row[] = [
  { title: 'an error', command: LEGACY_RAW, env: { BEFORE: 'error' }, era: LEGACY, starts: EACH_ONE },
  ...[
    '{"code":-32022,"message":"Unsupported protocol version"}',
    '{"code":"E_STATE","message":null}',
    unsupported('2025-11-25', '2025-06-18'),
  ].map(
    (ERROR): Row => ({
      title: `the error ${ERROR}`,
      command: LEGACY_RAW,
      env: { ERROR },
      era: LEGACY,
      starts: EACH_ONE,
    }),
  ),
  { title: 'an empty result', command: LEGACY_RAW, env: { BEFORE: 'result' }, era: LEGACY, starts: EACH_ONE },
  {
    title: 'death',
    command: LEGACY_RAW,
    env: { BEFORE: 'die' },
    era: LEGACY,
    starts: DIED + EACH_ONE,
    said: /it ended when it was asked/,
  },
  {
    title: 'an error, then death',
    command: LEGACY_RAW,
    env: { BEFORE: 'die-after' },
    era: LEGACY,
    starts: DIED + EACH_ONE,
  },
  {
    title: 'a modern server',
    command: MODERN_RAW,
    era: MODERN,
    starts: REFUSED + EVERYBODY,
    said: /2026-07-28/,
  },
  {
    title: 'versions of which one is known',
    command: MODERN_RAW,
    env: { SUPPORTED: '2027-01-01,2026-07-28' },
    era: MODERN,
    starts: REFUSED + EVERYBODY,
    said: /2026-07-28/,
  },
  {
    title: 'a modern server, which answers late',
    command: MODERN_RAW,
    env: { DISCOVER: 'late', DISCOVER_MS: '1500' },
    era: MODERN,
    starts: REFUSED + EVERYBODY,
  },
];

/** These are waited for, as long as any server may take to answer. */
const SILENT: readonly Row[] = [
  {
    title: 'nothing',
    command: LEGACY_RAW,
    env: { BEFORE: 'silent' },
    era: LEGACY,
    starts: EACH_ONE,
    said: /it did not answer when it was asked/,
  },
  {
    title: 'nothing, then or ever after',
    command: LEGACY_RAW,
    env: { BEFORE: 'stuck' },
    era: LEGACY,
    starts: SAID_NOTHING + EACH_ONE,
  },
  {
    title: 'an error that names no request',
    command: LEGACY_RAW,
    env: { BEFORE: 'null-id' },
    era: LEGACY,
    starts: EACH_ONE,
  },
  {
    title: 'something that is no message',
    command: LEGACY_RAW,
    env: { BEFORE: 'garbage' },
    era: LEGACY,
    starts: EACH_ONE,
  },
];

const TOLD: readonly Row[] = [
  {
    title: 'legacy',
    command: LEGACY_RAW,
    env: { BEFORE: 'die' },
    options: ['--upstream-era', 'legacy'],
    era: LEGACY,
    starts: EACH_ONE,
  },
  {
    title: 'modern',
    command: MODERN_RAW,
    options: ['--upstream-era', 'modern'],
    era: MODERN,
    starts: EVERYBODY,
  },
];

interface Served {
  readonly proxy: StartedProxy;
  readonly starts: () => number;
  readonly status: () => Promise<Json>;
}

async function serve(scope: Scope, { command, env = {}, options = [] }: Row): Promise<Served> {
  const file = join(mkdtempSync(join(directory, 'row-')), 'starts');
  const given = Object.entries({ ...env, STARTS_FILE: file }).flatMap(([name, value]) => ['-e', name, value]);
  const proxy = await startProxy(scope, [...options, ...given, '--', ...command]);
  return {
    proxy,
    starts: () => readFileSync(file, 'utf8').trim().split('\n').length,
    status: async () => {
      const { servers } = asJson(await (await fetch(`${proxy.url}/status`)).json());
      return asJson((servers as unknown[])[0]);
    },
  };
}

/** The lines that a server has got, once a client of each era has called a tool of it. */
async function callBoth({ mcp }: { readonly mcp: string }): Promise<string[]> {
  const session = await RawSession.begin(mcp);
  const { lines: legacy } = await session.call('lines');
  const answer = await responseOf(await modernCall(mcp, 'lines'));
  const { lines: modern } = asJson(answer.result?.structuredContent);
  return [legacy, modern].flat().map(String);
}

const methodsOf = (lines: readonly string[]) => lines.map((line): Message => JSON.parse(line).method);

describe.each([
  ['a server that answers with', QUICK, false],
  ['a server that answers with', SILENT, true],
  ['a server that is said to be', TOLD, false],
] as const)('%s', (what, rows, isSlow) => {
  const scope = new Scope();
  afterAll(() => scope.end());
  const test = isSlow ? it.concurrent : it;

  test.for(rows)('$title', async (row, { expect }) => {
    const served = await serve(scope, row);
    const lines = await callBoth(served.proxy.of('default'));
    await expect.poll(served.starts).toBe(row.starts);
    const status = await served.status();
    expect(status).toMatchObject({ era: row.era });
    const version = row.era === 'modern' ? '2026-07-28' : '2025-11-25';
    expect(status.processes).toContainEqual(
      expect.objectContaining({ era: row.era, protocol_version: version }),
    );
    // What its client speaks is told beside it.
    expect(status.sessions).toMatchObject([{ era: 'legacy', protocol_version: '2025-11-25' }]);
    const methods = methodsOf(lines);
    expect(methods.includes('initialize' as never)).toBe(row.era === 'legacy');
    if (what === 'a server that is said to be') {
      expect(methods.slice(0, 1)).toEqual([row.era === 'legacy' ? 'initialize' : expect.any(String)]);
      return;
    }
    const said = (line: string) => (line.includes(`speaks MCP of the ${row.era} era`) ? line : undefined);
    expect(await served.proxy.program.line('stderr', said)).toMatch(row.said ?? /./);
  });
});

describe('what was found out', () => {
  const scope = new Scope();
  afterAll(() => scope.end());

  it('is remembered: a server that dies of the question is not asked again', async () => {
    const row: Row = { title: '', command: LEGACY_RAW, env: { BEFORE: 'die' }, era: LEGACY, starts: 0 };
    const served = await serve(scope, { ...row, options: ['--sharing', 'session'] });
    const { mcp } = served.proxy.of('default');
    for (let n = 1; n <= 3; n += 1) {
      await RawSession.begin(mcp);
      await expect.poll(served.starts).toBe(DIED + n);
    }
    for (const { pid } of (await served.status()).processes as { pid: number }[])
      process.kill(pid, 'SIGKILL');
    // Each session goes on with another process.
    await expect.poll(served.starts).toBe(DIED + 6);
    await RawSession.begin(mcp);
    await expect.poll(served.starts).toBe(DIED + 7);
  });

  it('holds for each server of a file, where one may be told what it is', async () => {
    const [command, ...args] = MODERN_RAW;
    const [legacyCommand, ...legacyArgs] = LEGACY_RAW;
    const starts = join(directory, 'file-starts');
    const file = join(directory, 'servers.json');
    writeFileSync(
      file,
      JSON.stringify({
        mcpServers: {
          told: { command, args, upstreamEra: 'modern' },
          mute: {
            command: legacyCommand,
            args: legacyArgs,
            env: { BEFORE: 'die', STARTS_FILE: starts },
            upstreamEra: 'legacy',
          },
          asked: { command: legacyCommand, args: legacyArgs },
        },
      }),
    );
    const proxy = await startProxy(scope, ['--named-server-config', file]);
    for (const name of ['told', 'mute', 'asked']) await callBoth(proxy.of(name));
    const { servers } = asJson(await (await fetch(`${proxy.url}/status`)).json());
    expect(servers).toMatchObject([
      { name: 'told', era: 'modern', definition: { upstream_era: 'modern' } },
      { name: 'mute', era: 'legacy', definition: { upstream_era: 'legacy' } },
      { name: 'asked', era: 'legacy', definition: { upstream_era: 'auto' } },
    ]);
    await expect.poll(() => readFileSync(starts, 'utf8').trim().split('\n').length).toBe(EACH_ONE);
  });

  it.concurrent.each(['error', 'never'])(
    'may show only when a session of the legacy era is refused; discovery: %s',
    async (DISCOVER) => {
      const row: Row = { title: '', command: MODERN_RAW, env: { DISCOVER }, era: MODERN, starts: 0 };
      const served = await serve(scope, row);
      const { mcp } = served.proxy.of('default');
      const calls = [1, 2, 3].map(() => modernCall(mcp, 'echo'));
      for (const answer of await Promise.all(calls)) {
        expect((await responseOf(answer)).result).toMatchObject({ resultType: 'complete' });
      }
      expect(await served.status()).toMatchObject({ state: 'ready', era: 'modern' });
    },
  );

  it('may be nothing that the proxy knows: the client hears of the versions', async () => {
    const row: Row = {
      title: '',
      command: MODERN_RAW,
      env: { SUPPORTED: '2027-01-01' },
      era: MODERN,
      starts: 0,
    };
    const { mcp } = (await serve(scope, row)).proxy.of('default');
    const answer = await modernPost(mcp, 'tools/list');
    expect(JSON.stringify(await responseOf(answer))).toContain('2027-01-01');
    await expect(RawSession.begin(mcp)).rejects.toThrow('2027-01-01');
  });
});
