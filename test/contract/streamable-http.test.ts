import type { IncomingMessage, ServerResponse } from 'node:http';
import { accepted } from '../../src/http/accept.js';
import { Bodies } from '../../src/http/body.js';
import { readPost } from '../../src/http/post.js';
import { refuse } from '../../src/http/reply.js';
import { keyOf } from '../../src/jsonrpc/message.js';
import type { Wire } from '../../src/jsonrpc/wire.js';
import { HttpClient } from '../../src/remote/http.js';
import { Heartbeat } from '../../src/transports/heartbeat.js';
import { StreamableHttpDownstream } from '../../src/transports/streamable-http/downstream.js';
import { StreamableHttpUpstream } from '../../src/transports/streamable-http/upstream.js';
import { Arrivals } from './arrivals.js';
import { glance, read, readEvents, send, serve, Turns } from './http-peer.js';
import { type Ends, linkContract, messageOf } from './link-contract.js';

const SESSION = 'contract';

const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

const emit = (): void => undefined;

function initialize(version: string): Wire {
  return `{"jsonrpc":"2.0","id":"begin","method":"initialize","params":{"protocolVersion":"${version}","capabilities":{},"clientInfo":{"name":"contract","version":"1"}}}`;
}

/** The answer to `initialize`. */
function welcome(version: string): Wire {
  return `{"jsonrpc":"2.0","id":"begin","result":{"protocolVersion":"${version}","capabilities":{},"serverInfo":{"name":"contract","version":"1"}}}`;
}

function isRequest(text: Wire): boolean {
  const { id, method } = glance(text);
  return id !== undefined && method !== undefined;
}

/**
 * A client that listens by GET and posts its messages: requests at once, and whatever else one after the
 * other, so that it comes in its order.
 */
async function downstream(version: string): Promise<Ends> {
  const link = new StreamableHttpDownstream({
    sessionId: SESSION,
    streams: { heartbeat: new Heartbeat() },
    pollAfter: 0,
  });
  const server = await serve((request, response) => {
    if (request.method === 'POST') {
      readPost(request, response, { bodies: new Bodies(), emit }, ({ messages, batch }) => {
        const refused = link.receive(messages, batch, accepted(request.headers.accept), response);
        if (refused !== undefined) refuse(response, 400, refused.reason, { id: refused.id });
      });
    } else if (request.method === 'GET') link.openStream(response, undefined);
    else {
      link.end({ kind: 'ended', text: 'the client ended its session' });
      response.writeHead(200).end();
    }
  });
  const arrivals = new Arrivals();
  const turns = new Turns();
  const asked: Promise<void>[] = [];
  const url = new URL('/mcp', server.origin);
  const ofSession = { 'mcp-session-id': SESSION, 'mcp-protocol-version': version };
  const post = (
    body: Wire,
    session: Readonly<Record<string, string>> = ofSession,
  ): Promise<IncomingMessage> =>
    send(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        ...session,
      },
      body,
    });
  /** What comes on the POST of a request, which is where its answer must be. */
  const ask = async (request: Wire): Promise<void> => {
    const take = (text: Wire): void => {
      const { id, method } = glance(text);
      if (method === undefined && id !== glance(request).id) throw new Error(`not the answer: ${text}`);
      arrivals.add(text);
    };
    const answer = await post(request);
    if (answer.headers['content-type'] === 'text/event-stream') {
      readEvents(answer, (_type, data) => take(data));
      await new Promise<void>((resolve) => answer.once('close', resolve));
      return;
    }
    const text = await read(answer);
    if (text !== undefined && answer.statusCode === 200) take(text);
  };
  const tell = async (message: Wire): Promise<void> => {
    await read(await post(message));
  };
  return {
    link,
    peer: {
      send: (text) => {
        if (isRequest(text)) asked.push(ask(text));
        else turns.add(() => tell(text));
      },
      next: () => arrivals.next(),
      end: () => turns.add(async () => read(await send(url, { method: 'DELETE', headers: ofSession }))),
    },
    begin: async (inbox) => {
      const posted = post(initialize(version), {});
      await inbox.next();
      link.send(messageOf(welcome(version)), keyOf('"begin"'));
      const answer = await posted;
      if (answer.headers['mcp-session-id'] !== SESSION) throw new Error('no session');
      await read(answer);
      await tell(INITIALIZED);
      await inbox.next();
      inbox.forget();
      const stream = await send(url, {
        method: 'GET',
        headers: { accept: 'text/event-stream', ...ofSession },
      });
      readEvents(stream, (_type, data) => arrivals.add(data));
      stream.once('close', () => arrivals.end());
    },
    dispose: async () => {
      await turns.done();
      link.close({ kind: 'stopping', text: 'disposed' });
      // Whatever became of the link, no POST is left without an answer.
      await Promise.all(asked);
      await server.stop();
    },
  };
}

/** How a server answers a request: both forms are for it to choose. */
const FORMS: Readonly<Record<string, (response: ServerResponse, answer: Wire) => void>> = {
  JSON: (response, answer) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(answer, 'latin1');
  },
  'event streams': (response, answer) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(`event: message\ndata: ${answer}\n\n`, 'latin1');
  },
};

/** A server that speaks on a GET stream, and answers each request on its POST. */
async function upstream(answer: (response: ServerResponse, text: Wire) => void): Promise<Ends> {
  const version = '2025-11-25';
  const arrivals = new Arrivals();
  /** The POSTs of requests that are not answered, by the request's id. */
  const open = new Map<unknown, ServerResponse>();
  let listening: (stream: ServerResponse) => void = () => undefined;
  const stream = new Promise<ServerResponse>((resolve) => {
    listening = resolve;
  });
  let listener: ServerResponse | undefined;
  const posted = (text: Wire, response: ServerResponse): void => {
    const { id, method } = glance(text);
    if (method === 'initialize') {
      response.setHeader('mcp-session-id', SESSION);
      answer(response, welcome(version));
      return;
    }
    if (text !== INITIALIZED) arrivals.add(text);
    if (isRequest(text)) open.set(id, response);
    else response.writeHead(202).end();
  };
  const server = await serve((request, response) => {
    if (request.method === 'POST') {
      void read(request).then((text) => {
        if (text !== undefined) posted(text, response);
      });
    } else if (request.method === 'GET') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      listening(response);
    } else {
      arrivals.end();
      response.writeHead(200).end();
    }
  });
  const http = new HttpClient({ origin: server.origin, verify: true });
  const link = new StreamableHttpUpstream({ url: new URL('/mcp', server.origin), http, emit });
  return {
    link,
    peer: {
      send: (text) => {
        const { id, method } = glance(text);
        const asked = method === undefined ? open.get(id) : undefined;
        if (asked !== undefined) {
          open.delete(id);
          answer(asked, text);
          return;
        }
        if (listener?.destroyed === false) listener.write(`event: message\ndata: ${text}\n\n`, 'latin1');
      },
      next: () => arrivals.next(),
      // It is no more: what it said last is sent, all connections end, and there is nobody to connect to.
      end: () => {
        server.shut();
        listener?.end(() => server.cut());
      },
    },
    begin: async (inbox) => {
      link.send(messageOf(initialize(version)));
      await inbox.next();
      link.send(messageOf(INITIALIZED));
      listener = await stream;
      inbox.forget();
    },
    dispose: async () => {
      link.close({ kind: 'stopping', text: 'disposed' });
      await link.done;
      await http.close();
      await server.stop();
    },
  };
}

for (const [form, answer] of Object.entries(FORMS)) {
  linkContract(`Streamable HTTP upstream, answers as ${form},`, () => upstream(answer), {
    outlivesPeer: true,
  });
}
// An event without data is part of streams since 2025-11-25 only.
for (const version of ['2025-03-26', '2025-11-25']) {
  linkContract(`Streamable HTTP downstream, ${version},`, () => downstream(version));
}
