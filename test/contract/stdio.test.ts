import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { startChild } from '../../src/process/child.js';
import { StdioDownstream } from '../../src/transports/stdio/downstream.js';
import { StdioUpstream } from '../../src/transports/stdio/upstream.js';
import { fixtureDefinition } from '../fixtures/processes.js';
import { Arrivals } from './arrivals.js';
import { type Ends, linkContract } from './link-contract.js';

/** The lines of a stream, read with nothing of our own. */
function lineReader(stream: Readable): Arrivals {
  const lines = new Arrivals();
  let rest = '';
  stream.on('data', (chunk: Buffer) => {
    const pieces = (rest + chunk.toString('latin1')).split('\n');
    rest = pieces.pop() ?? '';
    for (const line of pieces) lines.add(line);
  });
  stream.on('error', () => undefined);
  stream.on('close', () => lines.end());
  return lines;
}

/** A real child process, whose stdin and stdout come out here as one socket. */
async function upstream(): Promise<Ends> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const definition = fixtureDefinition('puppet.mjs', {
    PUPPET_PORT: String((server.address() as AddressInfo).port),
  });
  const child = startChild(definition);
  const link = new StdioUpstream(child, definition, () => undefined);
  const [socket]: Socket[] = await once(server, 'connection');
  if (socket === undefined) throw new Error('no connection');
  const lines = lineReader(socket);
  return {
    link,
    peer: {
      send: (text) => void (socket.writable && socket.write(`${text}\n`, 'latin1')),
      next: () => lines.next(),
      end: () => void socket.end(),
    },
    dispose: async () => {
      link.close({ kind: 'stopping', text: 'disposed' });
      socket.destroy();
      await child.stop();
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
}

/** Two connections over the system, one for each direction, as a client's pipes are. */
async function downstream(): Promise<Ends> {
  const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const join = async (): Promise<[Socket, Socket]> => {
    const near = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    const [far]: Socket[] = await once(server, 'connection');
    if (far === undefined) throw new Error('no connection');
    far.on('error', () => undefined);
    return [near, far];
  };
  const [input, toInput] = await join();
  const [output, fromOutput] = await join();
  const link = new StdioDownstream({ input, output });
  const lines = lineReader(fromOutput);
  fromOutput.once('end', () => fromOutput.end());
  return {
    link,
    peer: {
      send: (text) => void (toInput.writable && toInput.write(`${text}\n`, 'latin1')),
      next: () => lines.next(),
      end: () => void toInput.end(),
    },
    dispose: async () => {
      link.close({ kind: 'stopping', text: 'disposed' });
      for (const socket of [input, output, toInput, fromOutput]) socket.destroy();
      if (server.listening) {
        server.close();
        await once(server, 'close');
      }
    },
  };
}

linkContract('stdio upstream', upstream);
linkContract('stdio downstream', downstream);
