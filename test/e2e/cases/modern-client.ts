/** What a client of the modern era has of a server, whichever era that is of. */
import { expect } from 'vitest';
import { asJson, type Json, type TestClient } from '../harness/client.js';
import { CAPABILITIES, type Case, ROOTS, unique } from './case.js';

const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';
const SUBSCRIPTION = 'io.modelcontextprotocol/subscriptionId';

const FORM = {
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: 'Name, bitte?',
    requestedSchema: { type: 'object', properties: { said: { type: 'string' } } },
  },
};
const SAMPLE = {
  method: 'sampling/createMessage',
  params: {
    messages: [{ role: 'user', content: { type: 'text', text: 'Wie geht’s?' } }],
    maxTokens: 10,
  },
};
const LIST_ROOTS = { method: 'roots/list', params: {} };

/** What the client answers to a form. The SDK hands on what its schema of an answer knows. */
const FILLED = { action: 'accept', content: { said: 'Name, bitte?' } };

async function ask(client: TestClient, args: Json): Promise<Json[]> {
  const { answers } = await client.call('ask', args);
  return (answers as Json[]).map(({ result }) => asJson(result));
}

const CASES: readonly Omit<Case, 'client'>[] = [
  {
    title: 'it is a client of the modern era',
    run: async (client) => {
      expect(client.info().era).toBe('modern');
    },
  },
  {
    title: 'the server sees the identity and the capabilities of the client',
    needs: ['asking', 'own greeting'],
    run: async (client) => {
      const { client: seen } = await client.call('who');
      const { tasks, ...others } = CAPABILITIES;
      expect(seen).toMatchObject({
        clientInfo: { name: 'askable', version: '0.0.7', title: 'End to end' },
        capabilities: others,
      });
    },
  },
  {
    title: 'elicitation by a form',
    needs: ['asking'],
    run: async (client) => {
      expect(await ask(client, FORM)).toMatchObject([FILLED]);
    },
  },
  {
    title: 'elicitation by a URL',
    needs: ['asking'],
    run: async (client) => {
      const params = { mode: 'url', url: 'https://example.com/a?b=ü', message: 'Go there' };
      // A server of the legacy era gives an elicitationId; one of the modern era knows none.
      const asked = { method: 'elicitation/create', params: { ...params, elicitationId: unique('e') } };
      expect(await ask(client, asked)).toMatchObject([{ action: 'accept' }]);
    },
  },
  {
    title: 'a tool that needs a URL to be visited first',
    needs: ['asking'],
    run: async (client) => {
      const visited = await client.call('need-url', { elicitationId: unique('e'), once: true });
      expect(visited).toEqual({ visited: true });
    },
  },
  {
    title: 'sampling',
    needs: ['asking'],
    run: async (client) => {
      const [answer] = await ask(client, SAMPLE);
      expect(answer).toMatchObject({ model: 'm-1', role: 'assistant' });
      const { content } = answer as { content: { text: string } };
      expect(JSON.parse(content.text)).toMatchObject(SAMPLE.params);
    },
  },
  {
    title: 'roots',
    needs: ['asking'],
    run: async (client) => {
      expect(await ask(client, LIST_ROOTS)).toMatchObject([
        { roots: ROOTS.map(({ uri, name }) => ({ uri, name })) },
      ]);
    },
  },
  {
    title: 'several questions of every kind at once, in several rounds',
    needs: ['asking'],
    run: async (client) => {
      const answers = await ask(client, { questions: [FORM, SAMPLE, LIST_ROOTS], rounds: 3 });
      const round = [FILLED, { model: 'm-1' }, { roots: [{ uri: ROOTS[0]?.uri }] }];
      expect(answers).toMatchObject([...round, ...round, ...round]);
    },
  },
  {
    title: 'a prompt that asks before it answers',
    needs: ['asking'],
    run: async (client) => {
      const { messages } = await client.request('prompts/get', { name: 'asking' });
      expect(JSON.stringify(messages)).toContain('Worüber?');
    },
  },
  {
    title: 'a resource that asks before it is read',
    needs: ['asking'],
    run: async (client) => {
      const { contents } = await client.request('resources/read', { uri: 'demo://asking' });
      expect(JSON.stringify(contents)).toContain('Worüber?');
    },
  },
  {
    title: 'a round that only has a state, and a first round without one',
    server: 'modern',
    run: async (client) => {
      expect(await ask(client, { ...FORM, stateOnly: 2 })).toMatchObject([FILLED]);
      expect(await ask(client, { ...FORM, state: false })).toMatchObject([FILLED]);
    },
  },
  {
    title: 'many calls ask at once, and each has its own answers',
    needs: ['asking', 'asking at once'],
    run: async (client) => {
      const messages = Array.from({ length: 8 }, (_, n) => `Frage ${n}`);
      const asked = messages.map((message) =>
        ask(client, { ...FORM, params: { ...FORM.params, message }, rounds: 2 }),
      );
      expect(await Promise.all(asked)).toMatchObject(
        messages.map((said) => [{ content: { said } }, { content: { said } }]),
      );
    },
  },
  {
    title: 'log messages of a call, of the levels that it asks for, and none where it asks for none',
    run: async (client) => {
      const data = { of: unique('log'), list: [1, 'ü', null] };
      const log = (_meta?: Json) =>
        client.request('tools/call', {
          name: 'log',
          arguments: { data },
          ...(_meta === undefined ? {} : { _meta }),
        });
      const mine = (params: Json) => asJson(params.data).of === data.of;
      await log({ [LOG_LEVEL]: 'error' });
      for (const level of ['error', 'critical', 'alert', 'emergency']) {
        const heard = await client.hear('notifications/message', (one) => one.level === level && mine(one));
        expect(heard).toMatchObject({ level, data });
      }
      await log();
      await client.call('echo');
      expect(client.left('notifications/message').filter(mine)).toEqual([]);
    },
  },
  {
    title: 'changes of the lists it listens to, and of no other',
    run: async (client) => {
      const listening = await client.listen({ toolsListChanged: true, resourcesListChanged: true });
      expect(listening.honoured).toMatchObject({ toolsListChanged: true, resourcesListChanged: true });
      await client.call('change');
      for (const list of ['tools', 'resources']) {
        const { _meta } = await client.hear(`notifications/${list}/list_changed`);
        expect(asJson(_meta)[SUBSCRIPTION]).toBeDefined();
      }
      await client.call('echo');
      expect(client.left('notifications/prompts/list_changed')).toEqual([]);
      await listening.close();
      expect(await listening.ended).toBe('local');
    },
  },
  {
    title: 'updates of the resources it listens to, while it does',
    run: async (client) => {
      const uri = `demo://static/${unique('ü')}`;
      const touched = async () => (await client.call('touch', { uri })).subscribed;
      expect(await touched()).toBe(false);
      const listening = await client.listen({ resourceSubscriptions: [uri] });
      expect(listening.honoured).toEqual({ resourceSubscriptions: [uri] });
      expect(await touched()).toBe(true);
      const heard = await client.hear('notifications/resources/updated', (params) => params.uri === uri);
      expect(asJson(heard._meta)[SUBSCRIPTION]).toBeDefined();
      await listening.close();
      await expect.poll(touched).toBe(false);
    },
  },
  {
    title: 'a cancellation reaches the call',
    needs: ['one process'],
    run: async (client) => {
      const key = unique('cancelled');
      const abort = new AbortController();
      const call = client.call('hold', { key }, { signal: abort.signal });
      call.catch(() => undefined);
      await client.call('await-hold', { key, state: 'open' });
      abort.abort('changed my mind, ü');
      await expect(call).rejects.toThrow();
      expect(await client.call('await-hold', { key, state: 'cancelled' })).toMatchObject({
        state: 'cancelled',
      });
    },
  },
  {
    title: 'the error for a capability that was not declared',
    server: 'modern',
    run: async (client) => {
      expect(await client.call('require', { capability: 'roots' })).toEqual({ capability: 'roots' });
      await expect(client.call('require', { capability: 'x-none' })).rejects.toMatchObject({
        code: -32021,
        data: { requiredCapabilities: { 'x-none': {} } },
      });
    },
  },
  {
    title: 'arguments that are mirrored in headers, where a server of the modern era is reached over HTTP',
    run: async (client) => {
      const args = { region: 'Zürich', count: 42, dry: true, target: { tenant: ' x ' }, plain: 'p' };
      const called = await client.call('headers', args);
      expect(called.args).toEqual(args);
      if (called.headers === null) return;
      const headers = asJson(called.headers);
      if (headers['mcp-method'] === undefined) {
        // The call was made in the legacy era, which has no such headers.
        expect(Object.keys(headers).filter((name) => name.startsWith('mcp-param-'))).toEqual([]);
        return;
      }
      expect(headers).toMatchObject({
        'mcp-param-region': '=?base64?WsO8cmljaA==?=',
        'mcp-param-count': '42',
        'mcp-param-dry-run': 'true',
        'mcp-param-tenant': '=?base64?IHgg?=',
      });
    },
  },
];

export const MODERN_CLIENT: readonly Case[] = CASES.map((one) => ({ ...one, client: 'modern' }));
