import { expect } from 'vitest';
import { req } from '../../requirements.js';
import type { Json } from '../harness/client.js';
import { type Case, Progress, unique } from './case.js';

export const NOTIFICATIONS: readonly Case[] = [
  {
    title: `${req('base.notification.no-response')} an unknown notification to the server, with its fields`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const method = unique('x/notice');
      await client.notify(method, { a: ['ä', { b: 1 }], _meta: { 'com.example/n': 1 } });
      const { messages } = await client.call('seen', { method, count: 1 });
      expect(messages).toEqual([
        { jsonrpc: '2.0', method, params: { a: ['ä', { b: 1 }], _meta: { 'com.example/n': 1 } } },
      ]);
    },
  },
  ...[true, false].map(
    (own): Case => ({
      title: `${req('streamable-http.message.on-one-stream')} an unknown notification to the client, ${own ? 'on its own' : 'during a call'}, once`,
      client: 'legacy',
      server: 'legacy',
      run: async (client) => {
        const method = unique('x/notice');
        const params = { a: ['ä', { b: 1 }], _meta: { 'com.example/n': 1 } };
        await client.call('notify', { method, params, own });
        expect(await client.hear(method)).toEqual(params);
        await client.request('ping');
        expect(client.left(method)).toEqual([]);
      },
    }),
  ),
  {
    title: `${req('progress.known-tokens-only', 'progress.stops', 'progress.tokens-tracked')} progress with its text, in order`,
    needs: ['one process'],
    run: async (client) => {
      const key = unique('schritt ü');
      const progress = new Progress();
      const call = client.call('hold', { key, steps: 5 }, { progress: progress.push });
      await progress.count(5);
      await client.call('release', { key });
      await call;
      expect(progress.heard).toEqual(
        [1, 2, 3, 4, 5].map((n) => ({ progress: n, total: 5, message: `${key} ${n}` })),
      );
    },
  },
  {
    title: 'progress of two calls at once stays with each',
    needs: ['one process'],
    run: async (client) => {
      const calls = ['one', 'two'].map((name) => {
        const key = unique(name);
        const progress = new Progress();
        const answer = client.call('hold', { key, steps: 3 }, { progress: progress.push });
        return { key, progress, answer };
      });
      for (const { key, progress, answer } of calls.reverse()) {
        await progress.count(3);
        await client.call('release', { key });
        await answer;
      }
      for (const { key, progress } of calls) {
        expect(progress.heard.map(({ message }) => message)).toEqual([1, 2, 3].map((n) => `${key} ${n}`));
      }
    },
  },
  {
    title: 'no token, no progress',
    run: async (client) => {
      expect(await client.call('progress', { steps: 0 })).toEqual({ steps: 0, hadToken: false });
    },
  },
  {
    title: `${req('cancellation.stops-work', 'cancellation.no-response', 'cancellation.own-requests-only', 'streamable-http.client.cancels-explicitly')} a cancellation reaches the call, with its reason`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const key = unique('cancelled');
      const abort = new AbortController();
      const call = client.call('hold', { key }, { signal: abort.signal });
      call.catch(() => undefined);
      await client.call('await-hold', { key, state: 'open' });
      abort.abort('changed my mind, ü');
      await expect(call).rejects.toThrow();
      expect(await client.call('await-hold', { key, state: 'cancelled' })).toMatchObject({
        reasons: [{ key, reason: expect.stringContaining('changed my mind, ü') }],
      });
    },
  },
  {
    title: `${req('cancellation.invalid-ignored')} a cancellation of what is not open does nothing`,
    run: async (client) => {
      await client.notify('notifications/cancelled', { requestId: 'nobody' });
      await client.notify('notifications/cancelled', { requestId: 1, reason: 'long answered' });
      await client.notify('notifications/cancelled', { unexpected: true });
      expect(await client.call('echo', { still: 'here' })).toEqual({ still: 'here' });
    },
  },
  {
    title: 'log messages during a call, of every level, as the server wrote them',
    client: 'legacy',
    run: async (client) => {
      await client.request('logging/setLevel', { level: 'debug' });
      const data = { of: unique('log'), list: [1, 'ü', null] };
      const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];
      await client.call('log', { data });
      for (const level of levels) {
        const heard = await client.hear('notifications/message', (params) => params.level === level);
        expect(heard).toEqual({ level, logger: expect.stringMatching(/^(legacy|modern)$/), data });
      }
    },
  },
  {
    title: 'a log level is set, and nothing below it comes',
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      await client.request('logging/setLevel', { level: 'error' });
      const data = unique('log');
      expect(await client.call('log', { data, own: true })).toEqual({ level: 'error' });
      const fits = (params: Json) => params.data === data;
      const heard = [];
      for (let n = 0; n < 4; n += 1) heard.push((await client.hear('notifications/message', fits)).level);
      expect(heard.sort()).toEqual(['alert', 'critical', 'emergency', 'error']);
      expect(client.left('notifications/message').filter(fits)).toEqual([]);
      await client.request('logging/setLevel', { level: 'debug' });
    },
  },
  {
    title: `${req('tools.list-changed', 'prompts.list-changed', 'resources.list-changed')} changes of the three lists are told`,
    client: 'legacy',
    run: async (client) => {
      await client.call('change');
      for (const list of ['tools', 'prompts', 'resources'])
        await client.hear(`notifications/${list}/list_changed`);
    },
  },
  {
    title: 'resource subscriptions: updates come while subscribed',
    client: 'legacy',
    run: async (client) => {
      const uri = `demo://static/${unique('ü')}`;
      expect(await client.call('touch', { uri })).toMatchObject({ subscribed: false });
      await client.request('resources/subscribe', { uri });
      expect(await client.call('touch', { uri })).toMatchObject({ subscribed: true });
      expect(await client.hear('notifications/resources/updated', (params) => params.uri === uri)).toEqual({
        uri,
      });
      await client.request('resources/unsubscribe', { uri });
      // A modern server hears of it by the end of a connection, which another one may overtake.
      await expect.poll(async () => (await client.call('touch', { uri })).subscribed).toBe(false);
    },
  },
  {
    title: `${req('roots.list-changed')} the server hears that the roots changed`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const method = 'notifications/roots/list_changed';
      const { messages: before } = await client.call('seen', { method });
      await client.notify(method);
      const count = (before as unknown[]).length + 1;
      const { messages } = await client.call('seen', { method, count });
      expect(messages).toHaveLength(count);
    },
  },
  {
    title: `${req('ping.answered')} ping, both ways`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      expect(await client.request('ping')).toEqual({});
      expect(await client.call('ask', { method: 'ping' })).toEqual({ answers: [{ result: {} }] });
    },
  },
];
