/** A server definition whose program is replaced by one of the other era while it is in use. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { cleanUp, eventually, legacySession, modernAnswer, type Peer, type Staged, stage } from './stage.js';

const directories: string[] = [];

afterEach(async () => {
  await cleanUp();
  for (const directory of directories.splice(0)) rmSync(directory, { recursive: true });
});

const FIXTURES = { legacy: 'legacy-raw.mjs', modern: 'modern-raw.mjs' } as const;
type Kind = keyof typeof FIXTURES;
const ECHO = { name: 'echo', arguments: {} };

/** A server whose next processes can be made ones of the other era. */
function replaceable(first: Kind, env: Readonly<Record<string, string>> = {}) {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
  directories.push(directory);
  const WHICH = join(directory, 'which');
  const become = (kind: Kind): void => writeFileSync(WHICH, FIXTURES[kind]);
  become(first);
  return { ...stage('replaceable.mjs', { WHICH, ...env }), become };
}

/** All processes end by themselves. */
async function die({ server }: Staged): Promise<void> {
  const all = server.pool.processes;
  for (const { child } of all) process.kill(child.pid ?? 0, 'SIGKILL');
  await eventually(() => all.every((one) => !server.pool.has(one)));
}

/** The line of a call that the server got shows which era is spoken with it. */
function eraOf(answer: { result: { structuredContent: { line: string } } }): Kind {
  return answer.result.structuredContent.line.includes('protocolVersion') ? 'modern' : 'legacy';
}

async function eraOfCall(client: Peer, id: number): Promise<Kind> {
  return eraOf(await client.asks(id, 'tools/call', ECHO));
}

const CHANGES: [Kind, Kind][] = [
  ['legacy', 'modern'],
  ['modern', 'legacy'],
];

describe.each(CHANGES)('a %s server whose processes end, and that is a %s one from then on', (from, to) => {
  it('is asked again: clients of both eras are served, and a session goes on', async () => {
    const staged = replaceable(from);
    const { server } = staged;
    const old = await legacySession(server, {}, 'old');
    expect(await eraOfCall(old, 1)).toBe(from);
    expect(eraOf(await modernAnswer(server, 'tools/call', ECHO))).toBe(from);

    staged.become(to);
    await die(staged);
    expect(await eraOfCall(old, 2)).toBe(to);
    const modern = await modernAnswer(server, 'tools/call', ECHO);
    expect(eraOf(modern)).toBe(to);
    expect(modern.result.resultType).toBe('complete');
    expect(await eraOfCall(await legacySession(server, {}, 'new'), 1)).toBe(to);
    expect(server.era).toBe(to);
  });

  it('is found out by whoever comes next where the proxy itself has ended them', async () => {
    for (const first of ['legacy', 'modern'] as const) {
      const staged = replaceable(from);
      const { server } = staged;
      await modernAnswer(server, 'tools/call', ECHO);
      const old = await legacySession(server, {}, 'old');
      await old.asks(1, 'tools/list');
      old.leaves();

      staged.become(to);
      for (const one of server.pool.processes) server.pool.retire(one, 'nobody used it');
      if (first === 'legacy') expect(await eraOfCall(await legacySession(server), 1)).toBe(to);
      else {
        const discovered = await modernAnswer(server, 'server/discover');
        expect(discovered.result).toMatchObject({ resultType: 'complete' });
      }
      expect(eraOf(await modernAnswer(server, 'tools/call', ECHO))).toBe(to);
      expect(server.era).toBe(to);
    }
  });
});

describe('a server that ends of the question', () => {
  it.each(['die', 'die-after'])(
    'is not asked again after another process of it has ended: %s',
    async (BEFORE) => {
      const staged = replaceable('legacy', { BEFORE });
      const { server } = staged;
      const session = await legacySession(server);
      const before = staged.starts().length;
      await die(staged);
      expect(await eraOfCall(session, 1)).toBe('legacy');
      expect(staged.starts()).toHaveLength(before + 1);
      for (const one of server.pool.processes) expect(one.verdict).toBeUndefined();
    },
  );
});
