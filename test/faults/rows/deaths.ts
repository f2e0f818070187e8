/** A process is killed, or ends, at each point of its life. */
import { expect } from 'vitest';
import { type Fault, row } from '../harness/fault.js';
import { lossOf, type World } from '../harness/world.js';

const KILLED = { signal: 'SIGKILL' };

/** The first client's `initialize`, which the server has and does not answer. */
async function beginning(world: World) {
  const [identity] = world.place.arrangement.clients;
  if (identity === undefined) throw new Error('no client');
  const client = world.client(identity);
  await client.connect();
  const { answer } = client.ask('initialize', client.initializeParams);
  const child = await world.children.started(0);
  // On a process of all clients the proxy does the handshake, maybe before the client's request is there: what is
  // sent after that, though no session is there yet, is accepted after it.
  await client.notify('notifications/after');
  await child.heard('initialize');
  return { client, child, answer };
}

export const DEATHS: readonly Fault[] = [
  {
    title: `${row('child.killed-idle')} killed while it has nothing to do`,
    run: async (world) => {
      const { replaced } = await world.kill();
      const next = await replaced;
      await next.heard('notifications/initialized');
      await world.works(next);
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-in-call')} killed between requests and their answers`,
    run: async (world) => {
      const { child, clients } = world;
      const open = clients.flatMap((client) =>
        ['a', 'b', 'c'].map((key) => client.ask('x/hold', { key }).answer),
      );
      await child.heard('x/hold', open.length);
      const { replaced } = await world.kill();
      for (const { error } of await Promise.all(open)) expect(error).toEqual(lossOf(child, KILLED));
      const next = await replaced;
      await world.works(next);
      expect(next.of('x/hold'), 'nothing is sent twice').toEqual([]);
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-in-line')} killed in the middle of a line`,
    run: async (world) => {
      const { child, first } = world;
      const { answer } = first.ask('x/half');
      await child.has('half');
      const { replaced } = await world.kill();
      expect((await answer).error).toEqual(lossOf(child, KILLED));
      await world.works(await replaced);
      expect(JSON.stringify(world.clients.map(({ heard }) => heard))).not.toContain('half of');
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-in-handshake')} killed in its handshake with the first client`,
    options: { isEmpty: true, plans: [{ hold: true }] },
    run: async (world) => {
      const { client, child, answer } = await beginning(world);
      await child.kill();
      const next = await world.children.started(1);
      expect((await answer).result).toMatchObject({ serverInfo: { version: String(next.pid) } });
      expect(client.strays).toEqual([]);
      await client.end();
      await world.begin();
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-in-handshake-unasked')} killed in the handshake, where its era was told`,
    options: { isEmpty: true, plans: [{ hold: true }], options: ['--upstream-era', 'legacy'] },
    run: async (world) => {
      const { client, child, answer } = await beginning(world);
      await child.kill();
      expect((await answer).error).toEqual(lossOf(child, KILLED));
      expect(client.strays).toEqual([]);
      expect(await world.status()).toMatchObject({ state: 'failed', last_exit: { signal: 'SIGKILL' } });
      await client.end();
      await world.begin();
      await world.settle();
    },
  },
  {
    title: `${row('child.exits')} ends by itself with an exit code and last words`,
    options: { options: ['-e', 'PASSWORD', 'hunter2secret'] },
    run: async (world) => {
      const { child, clients, first } = world;
      const open = clients.map((client) => client.ask('x/hold', { key: client.identity.name }).answer);
      await child.heard('x/hold', open.length);
      const before = world.children.servers.length;
      const stderr = ['no database', 'not with hunter2secret'];
      open.push(first.ask('x/exit', { code: 7, stderr }).answer);
      for (const { error } of await Promise.all(open)) {
        expect(error).toEqual(lossOf(child, { exitCode: 7 }));
        expect(error).toMatchObject({
          message: expect.stringMatching(/no database[\s\S]*not with \*{3}/),
          data: { stderr: [`this is process ${child.pid}`, 'no database', 'not with ***'] },
        });
      }
      await world.works(await world.children.started(before));
      await world.settle();
      expect(world.proxy.program.stderr()).not.toContain('hunter2secret');
    },
  },
  {
    title: `${row('child.exits-idle')} ends by itself with exit code 0`,
    run: async (world) => {
      const before = world.children.servers.length;
      const { child } = world;
      const [{ error } = {}] = await Promise.all([world.first.ask('x/exit', { code: 0 }).answer]);
      expect(error).toEqual(lossOf(child, { exitCode: 0 }));
      await world.works(await world.children.started(before));
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-again')} killed again and again, and well in between`,
    run: async (world) => {
      for (let times = 1; times <= 3; times++) {
        const { replaced } = await world.kill();
        await world.works(await replaced);
        expect(await world.status()).toMatchObject({ state: 'ready', restarts: times });
      }
      await world.settle();
    },
  },
  {
    title: `${row('child.killed-with-grandchildren')} killed while what it started goes on`,
    run: async (world) => {
      const near = await world.children.byPid(Number((await world.first.call('x/grandchild')).pid));
      const { replaced } = await world.kill();
      await near.dead();
      await world.works(await replaced);
      await world.settle();
    },
  },
  {
    title: `${row('child.launcher-killed')} the launcher of the server is killed, and the server goes on`,
    options: { wrapped: true },
    run: async (world) => {
      const { child } = world;
      const launcher = (await world.status()).processes[0]?.pid;
      expect(launcher).not.toBe(child.pid);
      const before = world.children.servers.length;
      process.kill(Number(launcher), 'SIGKILL');
      await child.dead();
      await world.works(await world.children.started(before));
      await world.settle();
    },
  },
];
