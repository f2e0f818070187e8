import { afterEach, describe, expect, it } from 'vitest';
import { PROBE_MS, SIGN_MS } from '../../../src/eras/probe.js';
import { START_PHASE_MS } from '../../../src/servers/start-phase.js';
import { HandClock } from '../relay/hand-clock.js';
import {
  cleanUp,
  eventually,
  legacyClient,
  legacySession,
  modernAnswer,
  modernRequest,
  Peer,
  type Staged,
  stage,
} from './stage.js';

afterEach(cleanUp);

const ECHO = { name: 'echo', arguments: { é: 1 } };

/** The line that the server got of a call. */
function lineOf(answer: { result: { structuredContent: { line: string } } }): {
  params: { _meta?: unknown };
} {
  return JSON.parse(answer.result.structuredContent.line);
}

/** A client of each era makes a call: what each answer is, and the line of it that the server got. */
async function bothEras({ server }: Staged): Promise<void> {
  const modern = await modernAnswer(server, 'tools/call', ECHO);
  expect(modern).toMatchObject({ id: 1, result: { resultType: 'complete' } });
  const legacy = await legacySession(server);
  const answer = await legacy.asks(1, 'tools/call', ECHO);
  expect(answer.result.structuredContent).toBeDefined();
  const era = server.era;
  for (const line of [lineOf(modern), lineOf(answer)]) {
    expect(JSON.stringify(line).includes('protocolVersion')).toBe(era === 'modern');
  }
  legacy.leaves();
}

describe('a legacy server', () => {
  it.each(['error', 'null-id', 'result', 'die', 'die-after'])(
    'that is asked what it speaks serves both eras: %s',
    async (BEFORE) => {
      const staged = stage('legacy-raw.mjs', { BEFORE });
      staged.server.start();
      await bothEras(staged);
      expect(staged.server.era).toBe('legacy');
      expect(staged.told('info')).toContain('speaks MCP of the legacy era');
    },
  );

  it.each(['silent', 'garbage'])('that gives no answer is one after a while: %s', async (BEFORE) => {
    const clock = new HandClock();
    const staged = stage('legacy-raw.mjs', { BEFORE }, {}, { clock });
    staged.server.start();
    clock.advance(PROBE_MS);
    await bothEras(staged);
    expect(staged.told('info')).toContain('did not answer');
    expect(staged.server.pool.processes[0]?.verdict).toBeDefined();
  });

  it('that dies of being asked is started again without it, and never asked again', async () => {
    const staged = stage('legacy-raw.mjs', { BEFORE: 'die' });
    staged.server.start();
    await bothEras(staged);
    expect(staged.told('error')).toBe('');
    expect(staged.server.pool).toMatchObject({ failure: undefined, health: { lastExit: undefined } });
    for (const process of staged.server.pool.processes) expect(process.verdict).toBeUndefined();
    const legacy = await legacySession(staged.server, { roots: {} });
    const { lines } = (await legacy.asks(1, 'tools/call', { name: 'lines' })).result.structuredContent;
    expect(JSON.parse(lines[0]).method).toBe('initialize');
  });

  it('that does nothing any more once it was asked serves both eras by another process, and that one is ended', async () => {
    const clock = new HandClock();
    const staged = stage('legacy-raw.mjs', { BEFORE: 'stuck' }, {}, { clock });
    staged.server.start();
    const [stuck] = staged.server.pool.processes;
    clock.advance(SIGN_MS);
    await bothEras(staged);
    expect(staged.server.era).toBe('legacy');
    expect(staged.server.pool.processes).toContain(stuck);
    clock.advance(START_PHASE_MS);
    expect(staged.server.pool.processes).not.toContain(stuck);
    expect(staged.told('error')).toBe('');
  });

  it('is asked again where a process that never said anything ends', async () => {
    const clock = new HandClock();
    const staged = stage('legacy-raw.mjs', { BEFORE: 'stuck' }, {}, { clock });
    staged.server.start();
    clock.advance(SIGN_MS);
    await staged.server.known();
    expect(staged.server.era).toBe('legacy');
    const [, spare] = staged.server.pool.processes;
    await eventually(() => staged.starts().length === 2);
    process.kill(spare?.child.pid ?? 0, 'SIGKILL');
    await eventually(() => staged.server.era === undefined);
    const known = staged.server.known();
    clock.advance(SIGN_MS);
    await known;
    expect(staged.server.era).toBe('legacy');
  });

  it('stays known where the proxy itself ends a process that never said anything', async () => {
    const clock = new HandClock();
    const staged = stage('legacy-raw.mjs', { BEFORE: 'stuck' }, {}, { clock });
    staged.server.start();
    clock.advance(SIGN_MS);
    const gone = await legacyClient(staged.server, { roots: {} });
    gone.leaves(); // before the answer: its process goes with it
    // What is left is the one that did not answer what it speaks.
    expect(staged.server.pool.processes).toHaveLength(1);
    expect(staged.server.era).toBe('legacy');
    await bothEras(staged);
  });
});

describe('a modern server', () => {
  it('serves both eras; that it refuses the legacy one is found out once', async () => {
    const staged = stage('modern-raw.mjs');
    staged.server.start();
    await bothEras(staged);
    expect(staged.server.era).toBe('modern');
    expect(staged.starts()).toHaveLength(2);
    await eventually(() => staged.server.pool.processes.length === 1);
    await bothEras(staged);
    await legacySession(staged.server, { roots: {} }, 'other');
    expect(staged.starts()).toHaveLength(2);
    expect(staged.told('error')).toBe('');
  });

  it('several clients of the legacy era at once are served while that is found out', async () => {
    const staged = stage('modern-raw.mjs');
    const clients = await Promise.all(
      ['a', 'a', 'b'].flatMap((name) => [
        legacySession(staged.server, {}, name),
        legacySession(staged.server, { roots: {} }, name),
      ]),
    );
    for (const client of clients) expect((await client.asks(1, 'tools/call', ECHO)).result).toBeDefined();
    await eventually(() => staged.server.pool.processes.length === 1);
    expect(staged.told('error')).toBe('');
  });

  it.each(['shared', 'session', 'auto'] as const)(
    'is no failure to the log, nor to the state: %s',
    async (sharing) => {
      const staged = stage('modern-raw.mjs', {}, { sharing });
      staged.server.start();
      await bothEras(staged);
      expect(await staged.server.pool.started).toEqual({ ok: true });
      expect(staged.told('warning')).toBe('');
      expect(staged.server.pool).toMatchObject({ failure: undefined, health: { lastExit: undefined } });
    },
  );

  it('that dies of an `initialize` is one all the same, and is not asked again what it speaks', async () => {
    const script = `
      const { createInterface } = await import('node:readline');
      createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method } = JSON.parse(line);
        if (method === 'initialize') process.exit(3);
        if (id === undefined) return;
        const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {}, line };
        process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, result }) + '\\n');
      });`;
    const staged = stage('', {}, { args: ['--input-type=module', '-e', script] });
    const client = await legacySession(staged.server);
    expect((await client.asks(1, 'tools/list')).result.line).toContain('protocolVersion');
    expect(staged.server.era).toBe('modern');
  });

  it('that gives no answer to `initialize` is met in its own era after a while', async () => {
    const clock = new HandClock();
    const script = `
      require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method } = JSON.parse(line);
        if (id === undefined || method === 'initialize') return;
        const result = { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {}, line };
        console.log(JSON.stringify({ jsonrpc: '2.0', id, result }));
      });`;
    const staged = stage('', {}, { args: ['-e', script] }, { clock });
    const waiting = await Promise.all(['a', 'a', 'b'].map((name) => legacyClient(staged.server, {}, name)));
    clock.advance(60_000);
    for (const client of waiting) {
      expect((await client.answer(0)).result.protocolVersion).toBe('2025-11-25');
      expect((await client.asks(1, 'tools/list')).result.line).toContain('protocolVersion');
    }
    expect(staged.server.pool.processes).toHaveLength(1);
    expect(staged.told('warning')).toBe('');
  });

  it.each(['legacy', 'modern', 'without handshake', 'listening'])(
    'that says so too late serves the client that found out: %s',
    async (kind) => {
      const clock = new HandClock();
      const staged = stage('modern-raw.mjs', { DISCOVER: 'late', DISCOVER_MS: '100' }, {}, { clock });
      staged.server.start();
      clock.advance(PROBE_MS);
      if (kind === 'legacy') {
        const client = await legacySession(staged.server);
        expect(lineOf(await client.asks(1, 'tools/call', ECHO)).params._meta).toBeDefined();
      } else if (kind === 'modern') {
        expect(lineOf(await modernAnswer(staged.server, 'tools/call', ECHO)).params._meta).toBeDefined();
      } else if (kind === 'listening') {
        const listen = await modernRequest(staged.server, 'subscriptions/listen', {
          notifications: { toolsListChanged: true },
        });
        await listen.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
      } else {
        const client = new Peer(await staged.server.openWithoutHandshake());
        expect(lineOf(await client.asks(1, 'tools/call', ECHO)).params._meta).toBeDefined();
      }
      expect(staged.server.era).toBe('modern');
      expect(staged.told('warning')).toBe('');
    },
  );

  it('that everybody shares, and that says so too late, has not failed at its start', async () => {
    const clock = new HandClock();
    const staged = stage(
      'modern-raw.mjs',
      { DISCOVER: 'late', DISCOVER_MS: '50' },
      { sharing: 'shared' },
      { clock },
    );
    staged.server.start();
    clock.advance(PROBE_MS);
    expect(await staged.server.pool.started).toEqual({ ok: true });
    await bothEras(staged);
    expect(staged.told('warning')).toBe('');
  });

  it('of versions that nobody knows says itself what it wants', async () => {
    const staged = stage('modern-raw.mjs', { SUPPORTED: '2099-01-01' });
    const { error } = await modernAnswer(staged.server, 'tools/list');
    expect(error).toMatchObject({ code: -32022, data: { supported: ['2099-01-01'] } });
    const client = await legacyClient(staged.server);
    expect((await client.answer(0)).error.message).toContain('2099-01-01');
  });

  it('a server that is replaced by a modern one is found out by whoever comes next', async () => {
    const BOTH = `
      const { createInterface } = await import('node:readline');
      const { existsSync } = await import('node:fs');
      const isModern = () => existsSync(process.env.STARTS_FILE + '.modern');
      (await import('node:fs')).appendFileSync(process.env.STARTS_FILE, process.pid + '\\n');
      createInterface({ input: process.stdin }).on('line', (line) => {
        const { id, method, params } = JSON.parse(line);
        if (id === undefined) return;
        const say = (more) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', id, ...more }) + '\\n');
        const result = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'x', version: '1' } };
        if (!isModern()) {
          if (method === 'server/discover') say({ error: { code: -32601, message: 'no' } });
          else say({ result: { ...result, tools: [] } });
        } else if (method === 'initialize')
          say({ error: { code: -32022, message: 'no', data: { supported: ['2026-07-28'] } } });
        else say({ result: { resultType: 'complete', supportedVersions: ['2026-07-28'], capabilities: {}, tools: [], line } });
      });`;
    for (const kind of ['legacy', 'modern'] as const) {
      const staged = stage('', {}, { args: ['--input-type=module', '-e', BOTH] });
      expect((await modernAnswer(staged.server, 'tools/list', {}, { name: 'old' })).result.tools).toEqual([]);
      expect(staged.server.era).toBe('legacy');
      const { writeFileSync } = await import('node:fs');
      writeFileSync(`${staged.server.definition.env.STARTS_FILE}.modern`, '');
      // The processes of before are gone with the server that they ran.
      for (const process of staged.server.pool.processes) staged.server.pool.retire(process, 'an upgrade');
      if (kind === 'legacy') {
        const client = await legacySession(staged.server);
        expect((await client.asks(1, 'tools/list')).result.line).toContain('protocolVersion');
      } else {
        const { result } = await modernAnswer(staged.server, 'tools/list', {}, { name: 'new' });
        expect(result.line).toContain('protocolVersion');
      }
      expect(staged.server.era).toBe('modern');
    }
  });
});

describe('a server of both eras', () => {
  it('meets each client in its own', async () => {
    const { server } = stage('dual-server.mjs');
    server.start();
    const legacy = await legacySession(server, { roots: {} });
    expect(server.era).toBe('modern');
    expect((await modernAnswer(server, 'tools/list')).result).toMatchObject({ resultType: 'complete' });
    const listed = await legacy.asks(1, 'tools/list');
    expect(listed.result).not.toHaveProperty('resultType');
    expect(server.pool.processes.map(({ era }) => era).sort()).toEqual(['legacy', 'modern']);
    expect(server.pool.processes.find(({ era }) => era === 'legacy')?.version).toBe('2025-11-25');
    legacy.leaves();
    await eventually(() => server.pool.processes.length === 1);
    await legacySession(server, {}, 'again');
    expect(server.pool.processes.map(({ era }) => era).sort()).toEqual(['legacy', 'modern']);
  });

  it('serves a client of the legacy era by translation where there is no place for a process of its own', async () => {
    const { server } = stage('dual-server.mjs', {}, {}, { maxProcesses: 1 });
    expect((await modernAnswer(server, 'tools/list')).result).toBeDefined();
    const legacy = await legacySession(server, { roots: {} });
    expect((await legacy.asks(1, 'tools/list')).result.tools.length).toBeGreaterThan(0);
    expect(server.pool.processes.map(({ era }) => era)).toEqual(['modern']);
  });
});

describe('an era that is forced', () => {
  it('is not asked for: legacy', async () => {
    const staged = stage('legacy-raw.mjs', { BEFORE: 'die' }, { era: 'legacy' });
    expect(staged.server.era).toBe('legacy');
    expect(staged.server.known()).toBeUndefined();
    staged.server.start();
    await bothEras(staged);
    const modern = stage('modern-raw.mjs', {}, { era: 'legacy' });
    const refused = await legacyClient(modern.server);
    expect((await refused.answer(0)).error.code).toBe(-32022);
    expect((await modernAnswer(modern.server, 'tools/list')).error.message).toContain('handshake');
    expect(modern.server.era).toBe('legacy');
  });

  it('is not asked for: modern', async () => {
    const staged = stage('modern-raw.mjs', { DISCOVER: 'error' }, { era: 'modern' });
    staged.server.start();
    expect((await modernAnswer(staged.server, 'tools/call', ECHO)).result).toBeDefined();
    const translated = stage('modern-raw.mjs', {}, { era: 'modern' });
    await bothEras(translated);
    expect(translated.starts()).toHaveLength(1);
  });
});

it.each([
  ['2025-03-26', 'text'],
  ['2025-11-25', 'resource_link'],
  [undefined, 'resource_link'],
])('a client without a handshake is told things in the version that it states: %s', async (version, type) => {
  const { server } = stage('modern-raw.mjs');
  const client = new Peer(await server.openWithoutHandshake(undefined, version));
  const link = { type: 'resource_link', uri: 'file:///a', name: 'a' };
  const text = JSON.stringify({ resultType: 'complete', content: [link] });
  const { result } = await client.asks(1, 'tools/call', { name: 'answer', arguments: { text } });
  expect(result.content).toMatchObject([{ type }]);
});
