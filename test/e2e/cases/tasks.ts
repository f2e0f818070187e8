import { expect } from 'vitest';
import { req } from '../../requirements.js';
import { asJson, type Json, type TestClient } from '../harness/client.js';
import { type Case, unique } from './case.js';

const RELATED = 'io.modelcontextprotocol/related-task';

async function createTask(client: TestClient, args: Json = {}): Promise<string> {
  const created = await client.request('tools/call', { name: 'job', arguments: args, task: { ttl: 60_000 } });
  expect(created).toMatchObject({
    task: { status: 'working', statusMessage: 'begun', ttl: 60_000, pollInterval: 50 },
    _meta: { 'io.modelcontextprotocol/model-immediate-response': 'On its way' },
  });
  return String(asJson(created.task).taskId);
}

const LEGACY_TASKS: readonly Case[] = [
  {
    title: `${req('tasks.result-immediate', 'tasks.related')} a task: created, read, told of, awaited`,
    run: async (client) => {
      const args = { n: unique('job') };
      const taskId = await createTask(client, args);
      const result = client.request('tasks/result', { taskId });
      expect(await client.request('tasks/get', { taskId })).toMatchObject({ taskId, status: 'working' });
      await client.call('job-step', { taskId, status: 'completed' });
      const told = await client.hear('notifications/tasks/status', (one) => one.taskId === taskId);
      expect(told).toMatchObject({ taskId, status: 'completed', ttl: 60_000 });
      expect(await result).toMatchObject({
        structuredContent: { args, asTask: true, status: 'completed' },
        _meta: { [RELATED]: { taskId } },
      });
    },
  },
  {
    title: 'a task that fails gives its JSON-RPC error',
    run: async (client) => {
      const args = { n: unique('job') };
      const taskId = await createTask(client, args);
      await client.call('job-step', { taskId, status: 'failed' });
      await expect(client.request('tasks/result', { taskId })).rejects.toMatchObject({
        code: -32050,
        message: 'The job failed',
        data: { args },
      });
    },
  },
  {
    title: `${req('tasks.client.any-stream')} a task asks a question, and the answer belongs to it`,
    run: async (client) => {
      const taskId = await createTask(client);
      const result = client.request('tasks/result', { taskId });
      const params = { message: 'From the task', requestedSchema: { type: 'object', properties: {} } };
      await client.call('job-step', { taskId, ask: { method: 'elicitation/create', params } });
      const status = (wanted: string) =>
        client.hear('notifications/tasks/status', (one) => one.taskId === taskId && one.status === wanted);
      await status('input_required');
      await status('working');
      await client.call('job-step', { taskId, status: 'completed' });
      expect(await result).toMatchObject({
        structuredContent: { answers: [{ action: 'accept', content: { said: 'From the task' } }] },
      });
    },
  },
  {
    title: `${req('cancellation.not-tasks')} a task is cancelled as a task, once`,
    run: async (client) => {
      const taskId = await createTask(client);
      expect(await client.request('tasks/cancel', { taskId })).toMatchObject({ taskId, status: 'cancelled' });
      await expect(client.request('tasks/cancel', { taskId })).rejects.toMatchObject({
        code: -32602,
        message: 'Task is cancelled',
      });
    },
  },
  {
    title: `${req('tasks.cursor-opaque')} tasks are listed, page by page`,
    run: async (client) => {
      const created = [];
      for (let n = 0; n < 3; n += 1) created.push(await createTask(client));
      const listed: unknown[] = [];
      let params: Json = {};
      for (;;) {
        const page = await client.request('tasks/list', params);
        listed.push(...(page.tasks as Json[]).map((task) => task.taskId));
        if (page.nextCursor === undefined) break;
        params = { cursor: page.nextCursor };
      }
      expect(listed).toEqual(expect.arrayContaining(created));
    },
  },
  {
    title: 'a task that does not exist',
    run: async (client) => {
      await expect(client.request('tasks/get', { taskId: 'none' })).rejects.toMatchObject({
        code: -32602,
        message: 'Failed to retrieve task: none',
      });
    },
  },
];

/** Tasks of this shape are in the legacy era alone. */
export const TASKS: readonly Case[] = LEGACY_TASKS.map((one) => ({
  ...one,
  client: 'legacy',
  server: 'legacy',
}));
