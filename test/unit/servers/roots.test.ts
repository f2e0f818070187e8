/** Roots that a server asks for while nobody can be asked: who is asked for them then, and who is not. */
import { afterEach, expect, it } from 'vitest';
import type { Sharing } from '../../../src/config/definition.js';
import type { Server } from '../../../src/servers/server.js';
import { type Client, cleanUp, eventually, modernAnswer, stage } from './stage.js';

afterEach(cleanUp);

const ROOTS: Client = { capabilities: { roots: {} } };
const QUESTION = { jsonrpc: '2.0', id: 'r', method: 'roots/list' };
const TOOL = { name: 't' };

/** A server that has asked for roots in a request in which they can't be asked for. */
async function asking(sharing: Sharing = 'auto'): Promise<Server> {
  const { server } = stage('http-puppet.mjs', {}, { era: 'legacy', sharing });
  const { result } = await modernAnswer(server, 'x/emit', { messages: [QUESTION] }, ROOTS);
  expect(result).toMatchObject({ resultType: 'complete' });
  return server;
}

/** What a call is answered with: the puppet knows no tools. */
const NOT_ASKED = { error: { code: -32601 } };

it('a client is asked whose capabilities and name the process was begun with, and no other', async () => {
  const server = await asking();
  for (const other of [{}, { ...ROOTS, name: 'other' }, { capabilities: { roots: {}, sampling: {} } }]) {
    expect(await modernAnswer(server, 'tools/call', TOOL, other)).toMatchObject(NOT_ASKED);
  }
  const { result } = await modernAnswer(server, 'tools/call', TOOL, ROOTS);
  expect(result).toMatchObject({ inputRequests: { q1: { method: 'roots/list' } } });
  const { requestState } = result;
  const retry = { ...TOOL, requestState, inputResponses: { q1: { roots: [] } } };
  expect(await modernAnswer(server, 'tools/call', retry, ROOTS)).toMatchObject(NOT_ASKED);
  const { messages } = (await modernAnswer(server, 'x/seen', { method: 'tools/call', count: 1 }, ROOTS))
    .result;
  expect(messages).toHaveLength(1);
});

it('nobody is asked where one process serves everybody', async () => {
  const server = await asking('shared');
  expect(await modernAnswer(server, 'tools/call', TOOL, ROOTS)).toMatchObject(NOT_ASKED);
});

it('nobody is asked for another process', async () => {
  const server = await asking();
  const [one] = server.pool.processes.filter(({ sessions, initialized }) => sessions === 0 && initialized);
  process.kill(one?.child.pid ?? 0, 'SIGKILL');
  await eventually(() => server.pool.processes.every((other) => other !== one));
  expect(await modernAnswer(server, 'tools/call', TOOL, ROOTS)).toMatchObject(NOT_ASKED);
});
