import { expect } from 'vitest';
import { req } from '../../requirements.js';
import { asJson, type Json, type TestClient } from '../harness/client.js';
import { type Case, plain, unique } from './case.js';

/** All pages of a list; its cursors are only ever handed back. */
async function pages(client: TestClient, method: string): Promise<Json[]> {
  const found: Json[] = [];
  let params: Json = {};
  for (;;) {
    const page = await client.request(method, params);
    found.push(page);
    if (page.nextCursor === undefined) return found;
    params = { cursor: page.nextCursor };
  }
}

function items(list: readonly Json[], key: string): Json[] {
  return list.flatMap((page) => page[key] as Json[]);
}

const LISTS = [
  ['tools', 'tools/list', 'tools', 'echo', 10],
  ['prompts', 'prompts/list', 'prompts', 'prompt-1', 2],
  ['resources', 'resources/list', 'resources', 'static-1', 3],
  ['resource templates', 'resources/templates/list', 'resourceTemplates', 'template-1', 2],
] as const;

export const CONTENT: readonly Case[] = [
  ...LISTS.map(([what, method, key, first, least]) => ({
    title: `${req('pagination.cursor-opaque')} every page of the ${what}`,
    run: async (client: TestClient) => {
      const list = await pages(client, method);
      expect(list.length).toBeGreaterThanOrEqual(least);
      expect(list.map((page) => asJson(page._meta)['com.example/page'])).toEqual(list.map((_, n) => n * 2));
      expect(items(list, key)[0]).toMatchObject({ name: first });
    },
  })),
  ...LISTS.map(([what, method]) => ({
    title: `${req('pagination.invalid-cursor')} a wrong cursor of the ${what} gets the server's error`,
    run: async (client: TestClient) => {
      const wrong = client.request(method, { cursor: 'nö "such"' });
      await expect(wrong).rejects.toMatchObject({
        code: -32602,
        message: 'Unknown cursor',
        data: { cursor: 'nö "such"' },
      });
    },
  })),
  {
    title: 'a tool keeps all that the server said of it',
    run: async (client) => {
      const { tools } = await client.request('tools/list');
      expect((tools as Json[])[0]).toEqual({
        name: 'echo',
        title: 'Tool echo',
        description: 'Gives back its arguments, and the _meta of the request.',
        inputSchema: { type: 'object' },
        annotations: { readOnlyHint: true, 'x-hint': 1 },
        icons: [{ src: 'https://example.com/icon.svg', mimeType: 'image/svg+xml', theme: 'dark' }],
        _meta: { 'com.example/tool': 'echo' },
      });
    },
  },
  {
    title: 'resources: text, binary, by template',
    run: async (client) => {
      const read = async (uri: string) => (await client.request('resources/read', { uri })).contents;
      expect(await read('demo://static/2')).toEqual([
        { uri: 'demo://static/2', mimeType: 'text/plain', text: 'text of demo://static/2' },
      ]);
      expect(await read('demo://blob')).toEqual([
        { uri: 'demo://blob', mimeType: 'image/png', blob: 'AAECAw==' },
      ]);
      expect(await read('demo://template-2/ü%20x')).toMatchObject([
        { text: 'text of demo://template-2/ü%20x' },
      ]);
    },
  },
  {
    title: 'a resource that is not there gets the error of the server',
    run: async (client) => {
      await expect(client.request('resources/read', { uri: 'demo://none' })).rejects.toMatchObject({
        // SDK v2 shows every client the code of its newest revision.
        code: expect.toSatisfy((code: unknown) => code === -32002 || code === -32602),
        message: 'Resource not found',
        data: { uri: 'demo://none' },
      });
    },
  },
  {
    title: 'a prompt with its arguments',
    run: async (client) => {
      const prompt = await client.request('prompts/get', { name: 'prompt-1', arguments: { topic: 'Ärger' } });
      expect(plain(prompt)).toEqual({
        description: 'prompt-1 about Ärger',
        messages: [{ role: 'user', content: { type: 'text', text: 'prompt-1 about Ärger' } }],
      });
    },
  },
  {
    title: 'completion with its context',
    run: async (client) => {
      const params = {
        ref: { type: 'ref/resource', uri: 'demo://template-1/{id}' },
        argument: { name: 'id', value: 'a' },
        context: { arguments: { owner: 'me' } },
      };
      expect(plain(await client.request('completion/complete', params))).toEqual({
        completion: { values: ['demo://template-1/{id}', 'a', 'owner=me'], total: 3, hasMore: false },
      });
    },
  },
  {
    title: `${req('base.meta.untouched')} _meta goes both ways`,
    run: async (client) => {
      const meta = {
        'com.example/a': [1, null],
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-00f067aa0ba902b7-01',
        'io.modelcontextprotocol/not-yet-known': { x: 1 },
      };
      const { _meta } = await client.request('tools/call', { name: 'echo', arguments: {}, _meta: meta });
      expect(plain({ _meta })).toEqual({ _meta: { 'com.example/result': 1, request: meta } });
    },
  },
  {
    title: `${req('stdio.utf-8', 'stdio.no-embedded-newline')} text of every kind`,
    run: async (client) => {
      const text = 'ä 😀 \u2028\u2029 \n\r\n\t \u0000 \u007f " \\ \\u0041 data: x\n\nevent: y';
      expect(await client.call('echo', { text, 'ключ\n': text })).toEqual({ text, 'ключ\n': text });
    },
  },
  {
    title: 'a JSON-RPC error keeps code, message and data',
    run: async (client) => {
      const error = { code: 4242, message: 'Ünusual', data: { why: ['a', { b: null }], at: 1.5 } };
      await expect(client.call('fail', error)).rejects.toMatchObject(error);
    },
  },
  {
    title: "a tool's own failure stays a result",
    run: async (client) => {
      const failed = await client.request('tools/call', { name: 'tool-error', arguments: {} });
      expect(failed).toMatchObject({ isError: true, structuredContent: { failed: true } });
    },
  },
  {
    title: `${req('stdio.stderr-is-no-error')} what the server writes on stderr does no harm`,
    run: async (client) => {
      await client.call('stderr', { text: 'ERROR: fatal, panic, ü' });
      expect(await client.call('echo', { still: 'here' })).toEqual({ still: 'here' });
    },
  },
  {
    title: 'a result of 10 MiB',
    needs: ['long lines'],
    run: async (client) => {
      const bytes = 10 * 1024 * 1024;
      const { content } = await client.request('tools/call', { name: 'big', arguments: { bytes } });
      const text = String((content as Json[])[0]?.text);
      expect(text.length).toBe(bytes / 2);
      expect(/^ä+$/.test(text)).toBe(true);
    },
  },
  {
    title: 'a request of 10 MiB',
    needs: ['long lines'],
    run: async (client) => {
      expect(await client.call('measure', { text: 'ö'.repeat(5 * 1024 * 1024) })).toEqual({
        length: 5 * 1024 * 1024,
      });
    },
  },
  {
    title: `${req('base.result.same-id')} many calls at once, each with its own answer, whatever the order`,
    needs: ['one process'],
    run: async (client) => {
      const key = unique('first');
      const first = client.call('hold', { key });
      const others = await Promise.all(Array.from({ length: 50 }, (_, n) => client.call('echo', { n })));
      expect(others).toEqual(Array.from({ length: 50 }, (_, n) => ({ n })));
      await client.call('release', { key });
      expect(await first).toEqual({ key, state: 'released' });
    },
  },
  {
    title: 'a method that nobody has heard of, with its fields',
    run: async (client) => {
      const params = { a: { b: ['ä', 1.25, null] }, _meta: { 'com.example/x': 1 } };
      expect(plain(await client.request('x/unknown', params))).toEqual({
        echoed: params,
        unheard: { of: [true, null, 'é'] },
        _meta: { 'com.example/seen': true },
      });
    },
  },
  {
    title: "a method that the server does not have gets the server's error",
    run: async (client) => {
      await expect(client.request('x/none')).rejects.toMatchObject({
        code: -32601,
        message: 'Method not found: x/none',
      });
    },
  },
];
