import { afterEach, describe, expect, it } from 'vitest';
import { cleanUp, modernRequest, type Peer, stage } from './stage.js';

afterEach(cleanUp);

/** A server of the legacy era whose tool `log` logs before it answers; `never` gets no answer. */
const LOGGING = `
  require('node:readline').createInterface({ input: process.stdin }).on('line', (line) => {
    const { id, method, params } = JSON.parse(line);
    const say = (message) => console.log(JSON.stringify({ jsonrpc: '2.0', ...message }));
    if (id === undefined || params?.name === 'never') return;
    if (method === 'server/discover') return say({ id, error: { code: -32601, message: 'unknown' } });
    if (params?.name === 'log') say({ method: 'notifications/message', params: { level: 'emergency', data: 1 } });
    const serverInfo = { name: 's', version: '1' };
    const initialized = { protocolVersion: '2025-11-25', capabilities: { logging: {} }, serverInfo };
    say({ id, result: method === 'initialize' ? initialized : {} });
  });`;

describe.each([
  ['modern', 'modern-raw.mjs', []],
  ['legacy', '', ['-e', LOGGING]],
])('a log message of a %s server', (_, fixture, args) => {
  it.each(['auto', 'session'] as const)(
    'is given to none of several calls of one modern client, since nothing says to which it belongs: %s',
    async (sharing) => {
      const staged = stage(fixture, {}, { sharing, ...(args.length === 0 ? {} : { args }) });
      const calls = (name: string): Promise<Peer> =>
        modernRequest(staged.server, 'tools/call', { name, arguments: {} }, { logLevel: 'debug' });
      const heard = async (): Promise<unknown[]> => {
        const peer = await calls('log');
        await peer.answer(1);
        peer.leaves();
        return peer.got.map(({ method }) => method);
      };
      expect(await heard()).toEqual(['notifications/message', undefined]);
      const other = await calls('never');
      expect(await heard()).toEqual([undefined]);
      expect(other.got).toEqual([]);
      expect(staged.server.pool.processes.filter(({ placement }) => placement !== undefined)).toHaveLength(1);
      other.leaves();
    },
  );
});
