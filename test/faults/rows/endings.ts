/** What is left behind once something has ended: no process. */
import { expect } from 'vitest';
import { gone } from '../../fixtures/processes.js';
import type { Child } from '../harness/children.js';
import { type Fault, row } from '../harness/fault.js';
import type { World } from '../harness/world.js';

export const ENDINGS: readonly Fault[] = [
  {
    title: `${row('end.client')} the client ends its session: its process goes, with what that started`,
    on: ['own'],
    run: async (world) => {
      const { replaced } = await world.kill();
      const next = await replaced;
      await world.works(next);
      const below = await grandchildren(world);
      await world.first.end();
      await Promise.all([next, ...below].map((child) => child.dead()));
      world.clients.splice(0);
      expect((await world.status()).processes).toHaveLength(1);
      await world.settle();
    },
  },
  {
    title: `${row('end.client-in-recovery')} the client ends its session while its process is being replaced`,
    on: ['own'],
    run: async (world) => {
      world.children.plans.push({ hold: true });
      const { replaced } = await world.kill();
      const next = await replaced;
      await next.heard('initialize');
      await world.first.end();
      await next.dead();
      world.clients.splice(0);
      expect((await world.status()).processes).toHaveLength(1);
      await world.settle();
    },
  },
  {
    title: `${row('end.sigterm')} SIGTERM for the proxy`,
    run: async (world) => {
      const { replaced } = await world.kill();
      await world.works(await replaced);
      await grandchildren(world);
      await world.close();
    },
  },
  {
    title: `${row('end.sigterm-in-recovery')} SIGTERM for the proxy while a process is being replaced`,
    run: async (world) => {
      world.children.plans.push({ hold: true });
      const { replaced } = await world.kill();
      await (await replaced).heard('initialize');
      const waiting = world.all('x/pid');
      // What is sent after them is accepted after them.
      for (const client of world.clients) await client.notify('notifications/after');
      const ending = world.close();
      for (const { error } of await waiting) expect(error).toMatchObject({ code: -32603 });
      await ending;
    },
  },
  {
    title: `${row('end.sigkill')} SIGKILL for the proxy: its children see the end of their stdin`,
    run: async (world) => {
      const { replaced } = await world.kill();
      const next = await replaced;
      await world.works(next);
      world.proxy.program.kill('SIGKILL');
      await next.has('end of stdin');
      await world.nothingLeft();
    },
  },
  {
    title: `${row('end.sigkill-launcher')} SIGKILL for the proxy, where a launcher stands before the server`,
    options: { wrapped: true },
    run: async (world) => {
      const launchers = (await world.status()).processes.map(({ pid }) => pid);
      expect(launchers).not.toContain(world.child.pid);
      world.proxy.program.kill('SIGKILL');
      await world.child.has('end of stdin');
      await world.nothingLeft();
      await Promise.all(launchers.map(gone));
    },
  },
];

/** Starts one in the group of the server, and one that left it. */
async function grandchildren(world: World): Promise<Child[]> {
  const found: Child[] = [];
  for (const away of [false, true]) {
    const { pid } = await world.first.call('x/grandchild', { away });
    found.push(await world.children.byPid(Number(pid)));
  }
  return found;
}
