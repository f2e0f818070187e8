/** Replacements that break, too; and what `/status` and the log say meanwhile. */
import { expect } from 'vitest';
import { type Fault, row } from '../harness/fault.js';
import { lossOf } from '../harness/world.js';

/** Replacements that are started before somebody has to ask (docs/reliability.md). */
const REPLACEMENTS = 5;
/** The shortest pauses between their starts, in milliseconds. */
const PAUSES = [250, 500, 1000, 2000];
/** Timers of the system may come that much too early. */
const GRAIN_MS = 5;

export const CRASH_LOOP: readonly Fault[] = [
  {
    title: `${row('recovery.killed')} the replacement is killed in its handshake, once`,
    run: async (world) => {
      world.children.plans.push({ hold: true });
      const { replaced } = await world.kill();
      const broken = await replaced;
      await broken.heard('initialize');
      const waiting = world.all('x/pid');
      const before = world.children.servers.length;
      await broken.kill();
      const next = await world.children.started(before);
      for (const { result, error } of await waiting) {
        expect(error).toBeUndefined();
        expect(result).toEqual({ pid: next.pid });
      }
      await world.works(next);
      await world.settle();
    },
  },
  {
    title: `${row('recovery.exits')} replacements end before they read anything, twice`,
    run: async (world) => {
      const ill = { die: 'start', code: 4, stderr: ['no database'] } as const;
      world.children.plans.push(ill, ill);
      const before = world.children.servers.length;
      await world.kill();
      await world.children.started(before);
      const waiting = world.all('x/pid');
      const next = await world.children.started(before + 2);
      for (const { result } of await waiting) expect(result).toEqual({ pid: next.pid });
      await world.works(next);
      await world.settle();
    },
  },
  {
    title: `${row('crash-loop.gives-up', 'crash-loop.heals')} every replacement dies in its handshake`,
    options: { isAlone: true },
    run: async (world) => {
      const { children } = world;
      children.usual = { die: 'handshake', code: 9, stderr: ['no database'] };
      const before = children.servers.length;
      await world.kill();
      await children.started(before);
      const waiting = world.all('x/pid');
      const last = await children.started(before + REPLACEMENTS - 1);
      for (const { error } of await waiting) {
        expect(error).toEqual(lossOf(last, { exitCode: 9 }));
        expect(error).toMatchObject({ data: { stderr: [`this is process ${last.pid}`, 'no database'] } });
      }
      expect(await world.status()).toMatchObject({
        state: 'failed',
        reason: expect.stringMatching(/exit code 9[\s\S]*no database/),
        restarts: REPLACEMENTS,
        last_exit: { pid: last.pid, exit_code: 9, signal: null },
      });
      expect(children.servers).toHaveLength(before + REPLACEMENTS);

      // Still ill: who asks is told so.
      const again = await world.first.ask('x/pid').answer;
      const tried = await children.started(children.servers.length - 1);
      expect(again.error).toEqual(lossOf(tried, { exitCode: 9 }));
      expect((await world.status()).state).toBe('failed');

      children.usual = {};
      const [answer] = await world.all('x/pid');
      await world.works(await children.byPid(Number(answer?.result?.pid)));
      expect(await world.status()).toMatchObject({ state: 'ready', reason: null });
      await world.settle();
    },
  },
  {
    title: `${row('crash-loop.pauses')} every replacement dies in its handshake: the pauses between them`,
    // Where it is not told, every second one is asked first what it speaks, and the next comes right behind it.
    options: { isAlone: true, options: ['--upstream-era', 'legacy'] },
    // They are the server's, whoever is in front of it.
    on: ['own'],
    run: async (world) => {
      const { children, first } = world;
      children.usual = { die: 'handshake', code: 'SIGKILL' };
      const before = children.servers.length;
      await world.kill();
      await children.started(before);
      const waiting = first.ask('x/pid');
      const last = await children.started(before + REPLACEMENTS - 1);
      expect((await waiting.answer).error).toEqual(lossOf(last, { signal: 'SIGKILL' }));
      const starts = children.servers.slice(before).map(({ at }) => at);
      expect(starts).toHaveLength(REPLACEMENTS);
      for (const [n, pause] of PAUSES.entries()) {
        expect((starts[n + 1] ?? 0) - (starts[n] ?? 0), `pause ${n + 1}`).toBeGreaterThan(pause - GRAIN_MS);
      }
      const again = await first.ask('x/pid').answer;
      const tried = await children.started(before + REPLACEMENTS);
      expect(again.error).toEqual(lossOf(tried, { signal: 'SIGKILL' }));
      expect(children.servers).toHaveLength(before + REPLACEMENTS + 1);
      children.usual = {};
      const [answer] = await world.all('x/pid');
      await world.works(await children.byPid(Number(answer?.result?.pid)));
      await world.settle();
    },
  },
  {
    title: `${row('status.tells')} /status and the log tell what the client is told`,
    options: { isAlone: true },
    run: async (world) => {
      const { child, first, children } = world;
      expect(await world.status()).toMatchObject({ state: 'ready', restarts: 0, last_exit: null });
      const open = first.ask('x/hold', { key: 'k' });
      await child.heard('x/hold');
      children.plans.push({ hold: true });
      const { replaced } = await world.kill();
      const { error } = await open.answer;
      const next = await replaced;
      await next.heard('initialize');
      const waiting = first.ask('x/pid');
      const { state, last_exit: exit } = await world.status();
      expect(state).toBe('restarting');
      expect(exit).toMatchObject({
        pid: child.pid,
        exit_code: null,
        signal: 'SIGKILL',
        stderr: [`this is process ${child.pid}`],
      });
      expect(error).toMatchObject({ message: exit?.reason, data: { stderr: exit?.stderr } });
      next.release();
      await waiting.answer;
      expect(await world.status()).toMatchObject({
        state: 'ready',
        reason: null,
        restarts: 1,
        processes: [{ pid: next.pid, sessions: world.clients.length }],
        last_exit: { pid: child.pid },
      });
      await world.works(next);
      const [, line] = String(exit?.reason).split('\n');
      await world.settle();
      expect(world.proxy.program.stderr()).toContain(String(exit?.reason).split('\n')[0]);
      expect(world.proxy.program.stderr()).toContain(line);
    },
  },
  {
    title: `${row('others.unaware')} clients elsewhere notice nothing`,
    run: async (world) => {
      const open = world.others.map((other, n) => ({ other, ...other.ask('x/hold', { key: `${n}` }) }));
      const { replaced } = await world.kill();
      // Each on its own process, while one that has died is replaced.
      for (const { other } of open) await other.call('ping');
      await world.works(await replaced);
      for (const [n, { other, answer }] of open.entries()) {
        await other.call('x/free', { key: `${n}` });
        expect((await answer).result).toEqual({ key: `${n}` });
      }
      expect(await world.status('other')).toMatchObject({ state: 'ready', restarts: 0, last_exit: null });
      await world.settle();
    },
  },
];
