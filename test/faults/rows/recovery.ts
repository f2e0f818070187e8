/** What becomes of the session: what the replacement is told, and what its client hears. */
import { expect } from 'vitest';
import type { Message } from '../../e2e/harness/raw-http.js';
import type { Child } from '../harness/children.js';
import { type Fault, row } from '../harness/fault.js';
import { lossOf } from '../harness/world.js';

const KILLED = { signal: 'SIGKILL' };

export const RECOVERY: readonly Fault[] = [
  {
    title: `${row('session.requests-wait')} requests that come while the replacement starts wait for it`,
    run: async (world) => {
      world.children.plans.push({ hold: true });
      const { replaced } = await world.kill();
      const next = await replaced;
      const early = world.all('x/pid');
      await next.heard('initialize');
      const late = world.all('x/pid');
      next.release();
      for (const { result } of [...(await early), ...(await late)]) expect(result).toEqual({ pid: next.pid });
      expect(next.told.map(({ method }) => method).slice(0, 2)).toEqual([
        'initialize',
        'notifications/initialized',
      ]);
      await world.settle();
    },
  },
  {
    title: `${row('session.handshake')} the replacement is told what the process was told`,
    run: async (world) => {
      const { child, clients } = world;
      for (const [n, client] of clients.entries()) {
        await client.call('logging/setLevel', { level: 'error' });
        await client.call('logging/setLevel', { level: ['info', 'warning', 'debug'][n] });
        for (const uri of ['x://all', `x://${n}`, `x://off/${n}`]) {
          await client.call('resources/subscribe', { uri });
        }
        await client.call('resources/unsubscribe', { uri: `x://off/${n}` });
      }
      const { replaced } = await world.kill();
      const next = await replaced;
      await world.works(next);
      expect(next.of('initialize').map(({ params }) => params)).toEqual(
        child.of('initialize').map(({ params }) => params),
      );
      if (world.place.arrangement.sharing === 'auto') {
        expect(next.of('initialize')[0]?.params).toEqual(world.first.initializeParams);
      }
      expect(next.of('notifications/initialized')).toHaveLength(1);
      expect(next.of('logging/setLevel').at(-1)?.params).toEqual(child.of('logging/setLevel').at(-1)?.params);
      expect(subscriptions(next)).toEqual(subscriptions(child));
      const methods = next.told.map(({ method }) => method);
      const lastOfReplay = Math.max(
        methods.lastIndexOf('resources/subscribe'),
        methods.lastIndexOf('logging/setLevel'),
      );
      expect(methods.indexOf('x/pid'), `a request before the replay is over: ${methods}`).toBeGreaterThan(
        lastOfReplay,
      );
      await world.settle();
    },
  },
  {
    title: `${row('session.streams')} what the replacement says on its own reaches who is to hear it`,
    run: async (world) => {
      for (const [n, client] of world.clients.entries()) {
        await client.call('resources/subscribe', { uri: `x://${n}` });
        await client.call('logging/setLevel', { level: n === 0 ? 'debug' : 'error' });
      }
      const { replaced } = await world.kill();
      const next = await replaced;
      await world.works(next);
      for (const [n, client] of world.clients.entries()) {
        const message = { method: 'notifications/resources/updated', params: { uri: `x://${n}` } };
        await client.call('x/emit', { message });
        await client.until(`word of x://${n}`, () => client.of(message.method).length > 1);
      }
      const level = { method: 'notifications/message', params: { level: 'info', data: 'for the first' } };
      await world.first.call('x/emit', { message: level });
      await world.first.until('the log message', ({ params }) => params?.data === 'for the first');
      for (const [n, client] of world.clients.entries()) {
        const uris = client.of('notifications/resources/updated').map(({ params }) => params?.uri);
        // Once because it may have changed meanwhile, and once because the server said so.
        expect(uris).toEqual([`x://${n}`, `x://${n}`]);
        expect(client.of('notifications/message')).toHaveLength(n === 0 ? 1 : 0);
      }
      await world.settle();
    },
  },
  {
    title: `${row('session.list-changed')} clients hear that every list may have changed`,
    run: async (world) => {
      const { replaced } = await world.kill();
      await world.works(await replaced);
      for (const client of world.clients) {
        for (const list of ['tools', 'prompts', 'resources']) {
          const method = `notifications/${list}/list_changed`;
          await client.until(method, (message) => message.method === method);
          expect(client.of(method)).toHaveLength(1);
        }
        expect(client.unasked).toHaveLength(3);
      }
      await world.settle();
    },
  },
  {
    title: `${row('session.list-changed-declared')} clients hear of no list that the server did not declare`,
    run: async (world) => {
      const capabilities = { tools: { listChanged: true }, prompts: { listChanged: false }, resources: {} };
      world.children.plans.push({ capabilities });
      const { replaced } = await world.kill();
      await world.works(await replaced);
      const method = 'notifications/tools/list_changed';
      for (const client of world.clients) {
        await client.until(method, (message) => message.method === method);
        expect(client.unasked.map((message) => message.method)).toEqual([method]);
      }
      await world.settle();
    },
  },
  ...(['sampling/createMessage', 'elicitation/create'] as const).map(
    (method): Fault => ({
      title: `${row('session.question')} a question is open at the client when its process dies: ${method}`,
      on: ['own', 'shared'],
      run: async (world) => {
        const { child, first } = world;
        const lost = first.ask('x/ask', { method, params: { messages: [], message: 'old' } });
        const question = await first.until('the question', (message) => message.method === method);
        const { replaced } = await world.kill();
        expect((await lost.answer).error).toEqual(lossOf(child, KILLED));
        const off = await first.until('the end of the question', isCancelled);
        expect(off.params?.requestId).toBe(question.id);
        const next = await replaced;
        await world.works(next);
        // The replacement counts its questions from the beginning again.
        const again = first.ask('x/ask', { method, params: { messages: [], message: 'new' } });
        const second = await first.until(
          'the second question',
          (message) => message.method === method && message !== question,
        );
        await first.respond(question.id, { to: 'old' });
        await first.respond(second.id, { to: 'new' });
        expect((await again.answer).result).toEqual({ result: { to: 'new' } });
        await world.works(next);
        const answers = next.told.filter((message) => message.method === undefined);
        expect(answers.map(({ result }) => result)).toEqual([{ to: 'new' }]);
        for (const client of world.clients) {
          expect(client.of('notifications/cancelled')).toHaveLength(client === first ? 1 : 0);
        }
        await world.settle();
      },
    }),
  ),
];

function isCancelled({ method }: Message): boolean {
  return method === 'notifications/cancelled';
}

/** What a process was subscribed to in the end, in order. */
function subscriptions(child: Child): unknown[] {
  const uris = new Set<unknown>();
  for (const { method, params } of child.told) {
    if (method === 'resources/subscribe') uris.add(params?.uri);
    if (method === 'resources/unsubscribe') uris.delete(params?.uri);
  }
  return [...uris].sort();
}
