import { expect } from 'vitest';
import { req } from '../../requirements.js';
import type { Json, TestClient } from '../harness/client.js';
import { type Case, Progress, ROOTS, unique } from './case.js';

async function ask(client: TestClient, method: string, params: Json, more: Json = {}): Promise<Json[]> {
  const { answers } = await client.call('ask', { method, params, ...more });
  return answers as Json[];
}

const SAMPLING = {
  messages: [{ role: 'user', content: { type: 'text', text: 'Wie geht’s?' } }],
  maxTokens: 10,
  modelPreferences: { hints: [{ name: 'm' }], speedPriority: 0.5 },
  metadata: { 'x-more': [1] },
};

/** The text that the client's sampling gives back: what it was asked. */
function sampled(answer: Json | undefined): Json {
  const result = answer?.result as { content: { text: string } };
  return JSON.parse(result.content.text);
}

export const QUESTIONS: readonly Case[] = [
  {
    title: 'sampling',
    client: 'legacy',
    run: async (client) => {
      const [answer] = await ask(client, 'sampling/createMessage', SAMPLING);
      expect(sampled(answer)).toMatchObject(SAMPLING);
      expect(answer?.result).toMatchObject({ model: 'm-1', _meta: { 'com.example/answer': 'sampled' } });
    },
  },
  {
    title: `${req('sampling.tools-declared')} sampling with tools, by a client that declared it`,
    client: 'legacy',
    run: async (client) => {
      const tools = [{ name: 't', inputSchema: { type: 'object' } }];
      const [answer] = await ask(client, 'sampling/createMessage', {
        ...SAMPLING,
        tools,
        toolChoice: { mode: 'auto' },
      });
      expect(sampled(answer)).toMatchObject({ tools, toolChoice: { mode: 'auto' } });
    },
  },
  {
    title: "a client's refusal reaches the server with code and data",
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const [answer] = await ask(client, 'sampling/createMessage', { ...SAMPLING, refuse: 'ü' });
      const message = expect.stringContaining('User rejected sampling');
      expect(answer?.error).toMatchObject({ code: -1, message, data: { asked: 'ü' } });
    },
  },
  {
    title: 'elicitation by a form',
    client: 'legacy',
    run: async (client) => {
      const params = {
        mode: 'form',
        message: 'Name, bitte?',
        requestedSchema: { type: 'object', properties: { said: { type: 'string' } } },
      };
      const [answer] = await ask(client, 'elicitation/create', params);
      expect(answer).toEqual({
        result: {
          action: 'accept',
          content: { said: 'Name, bitte?' },
          _meta: { 'com.example/answer': 'elicited' },
        },
      });
    },
  },
  {
    title: `${req('elicitation.complete-to-initiator', 'elicitation.complete-id')} elicitation by a URL, and the word that it is complete`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const elicitationId = unique('e');
      const params = { mode: 'url', elicitationId, url: 'https://example.com/a?b=ü', message: 'Go there' };
      const [answer] = await ask(client, 'elicitation/create', params);
      expect(answer).toEqual({ result: { action: 'accept', _meta: { 'com.example/answer': 'elicited' } } });
      await client.call('notify', {
        method: 'notifications/elicitation/complete',
        params: { elicitationId },
      });
      const heard = await client.hear(
        'notifications/elicitation/complete',
        (one) => one.elicitationId === elicitationId,
      );
      expect(heard).toEqual({ elicitationId });
    },
  },
  {
    title: `${req('elicitation.required-list')} the error that a URL must be visited first`,
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const elicitationId = unique('e');
      await expect(client.call('need-url', { elicitationId })).rejects.toMatchObject({
        code: -32042,
        message: 'This request needs more of you',
        data: {
          elicitations: [
            {
              mode: 'url',
              elicitationId,
              url: `https://example.com/connect?id=${elicitationId}`,
              message: 'Connect first',
            },
          ],
        },
      });
      await client.call('notify', {
        method: 'notifications/elicitation/complete',
        params: { elicitationId },
      });
      await client.hear('notifications/elicitation/complete', (one) => one.elicitationId === elicitationId);
    },
  },
  {
    title: 'roots',
    client: 'legacy',
    run: async (client) => {
      const [answer] = await ask(client, 'roots/list', {});
      expect(answer).toEqual({ result: { roots: ROOTS, _meta: { 'com.example/answer': 'roots' } } });
    },
  },
  {
    title: 'a question that nobody has heard of, with its fields',
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const [answer] = await ask(client, 'x/ask', { a: ['ü', { b: null }] });
      expect(answer).toEqual({ result: { asked: { a: ['ü', { b: null }] }, more: [1, { two: 'zwei' }] } });
    },
  },
  {
    title: "a question that the client does not know gets the client's error",
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const [answer] = await ask(client, 'x/none', {});
      expect(answer?.error).toMatchObject({ code: -32601 });
    },
  },
  {
    title: 'several questions at once, in several rounds of one call, each with its own answer',
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const answers = await ask(client, 'x/ask', { q: 'q' }, { width: 5, rounds: 3 });
      const asked = answers.map((answer) => (answer.result as Json).asked);
      expect(asked).toEqual(
        [0, 1, 2].flatMap((round) => [0, 1, 2, 3, 4].map((index) => ({ q: 'q', round, index }))),
      );
    },
  },
  {
    title: 'questions of several kinds at once, in several rounds of one call, with progress that goes on',
    client: 'legacy',
    run: async (client) => {
      const form = {
        method: 'elicitation/create',
        params: { mode: 'form', message: 'm', requestedSchema: { type: 'object', properties: {} } },
      };
      const sample = { method: 'sampling/createMessage', params: SAMPLING };
      const args = { questions: [form, sample, { method: 'roots/list' }], rounds: 3 };
      const progress = new Progress();
      const { answers } = await client.call('ask', args, { progress: progress.push });
      const round = [
        { result: { action: 'accept' } },
        { result: { model: 'm-1' } },
        { result: { roots: [{ uri: ROOTS[0]?.uri }] } },
      ];
      expect(answers).toMatchObject([...round, ...round, ...round]);
      expect(progress.heard.map((one) => one.progress)).toEqual([1, 2, 3]);
    },
  },
  {
    title: 'a prompt and a resource that ask before they answer',
    client: 'legacy',
    run: async (client) => {
      const prompt = await client.request('prompts/get', { name: 'asking' });
      expect(JSON.stringify(prompt)).toContain('Worüber?');
      const resource = await client.request('resources/read', { uri: 'demo://asking' });
      expect(JSON.stringify(resource)).toContain('Worüber?');
    },
  },
  {
    title: 'a question after the call was answered',
    client: 'legacy',
    server: 'legacy',
    run: async (client) => {
      const key = unique('later');
      await client.call('ask-later', { key, method: 'roots/list' });
      expect(await client.call('answer-of', { key })).toMatchObject({ result: { roots: ROOTS } });
    },
  },
  {
    title: 'a question while another call reports progress',
    client: 'legacy',
    run: async (client) => {
      const key = unique('around');
      const progress = new Progress();
      const call = client.call('hold', { key, steps: 2 }, { progress: progress.push });
      const [answer] = await ask(client, 'roots/list', {});
      expect(answer).toMatchObject({ result: { roots: ROOTS } });
      await progress.count(2);
      await client.call('release', { key });
      expect(await call).toEqual({ key, state: 'released' });
    },
  },
];
