import type { ServerResponse } from 'node:http';
import { Bodies } from '../../src/http/body.js';
import { readPost } from '../../src/http/post.js';
import { HttpClient } from '../../src/remote/http.js';
import { Heartbeat } from '../../src/transports/heartbeat.js';
import { SseDownstream } from '../../src/transports/sse/downstream.js';
import { SseUpstream } from '../../src/transports/sse/upstream.js';
import { Arrivals } from './arrivals.js';
import { read, readEvents, send, serve, Turns } from './http-peer.js';
import { type Ends, linkContract } from './link-contract.js';

const MESSAGES = '/messages/?session_id=contract';

const emit = (): void => undefined;

/** A client that opens the stream, and posts to where the stream says. */
async function downstream(): Promise<Ends> {
  const links: SseDownstream[] = [];
  const server = await serve((request, response) => {
    if (request.method === 'GET') {
      links.push(new SseDownstream(response, MESSAGES, { heartbeat: new Heartbeat() }));
      return;
    }
    readPost(request, response, { bodies: new Bodies(), emit }, ({ messages }) => {
      response.writeHead(202).end('Accepted');
      for (const message of messages) links[0]?.receive(message);
    });
  });
  const arrivals = new Arrivals();
  const stream = await send(new URL('/sse', server.origin), {
    method: 'GET',
    headers: { accept: 'text/event-stream' },
  });
  stream.once('close', () => arrivals.end());
  const endpoint = await new Promise<URL>((resolve) => {
    readEvents(stream, (type, data) => {
      if (type === 'endpoint') resolve(new URL(data, server.origin));
      else arrivals.add(data);
    });
  });
  const [link] = links;
  if (link === undefined) throw new Error('no link');
  const turns = new Turns();
  const post = async (body: string): Promise<void> => {
    await read(
      await send(endpoint, { method: 'POST', headers: { 'content-type': 'application/json' }, body }),
    );
  };
  return {
    link,
    peer: {
      send: (text) => turns.add(() => post(text)),
      next: () => arrivals.next(),
      end: () => turns.add(() => stream.destroy()),
    },
    dispose: async () => {
      await turns.done();
      link.close({ kind: 'stopping', text: 'disposed' });
      await server.stop();
    },
  };
}

/** A server that has a stream and takes POSTs. */
async function upstream(): Promise<Ends> {
  const arrivals = new Arrivals();
  const streams: ServerResponse[] = [];
  const server = await serve(async (request, response) => {
    if (request.method === 'GET') {
      streams.push(response);
      response.once('close', () => arrivals.end());
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write(`event: endpoint\ndata: ${MESSAGES}\n\n`);
      return;
    }
    const text = await read(request);
    if (text === undefined) return;
    if (request.url === MESSAGES) arrivals.add(text);
    response.writeHead(202).end('Accepted');
  });
  const http = new HttpClient({ origin: server.origin, verify: true });
  const link = await new Promise<SseUpstream>((resolve, reject) => {
    const opening: SseUpstream = new SseUpstream(
      { url: new URL('/sse', server.origin), http, emit },
      { opened: () => resolve(opening), failed: ({ text }) => reject(new Error(text)) },
    );
  });
  const [stream] = streams;
  if (stream === undefined) throw new Error('no stream');
  return {
    link,
    peer: {
      send: (text) => {
        if (!stream.destroyed) stream.write(`event: message\ndata: ${text}\n\n`, 'latin1');
      },
      next: () => arrivals.next(),
      end: () => void stream.end(),
    },
    dispose: async () => {
      link.close({ kind: 'stopping', text: 'disposed' });
      await link.done;
      // One more round trip: if the link still posted anything after its end, that comes first.
      await read(await send(new URL('/round', server.origin), { method: 'POST' }));
      await http.close();
      await server.stop();
    },
  };
}

linkContract('HTTP+SSE upstream', upstream);
linkContract('HTTP+SSE downstream', downstream);
