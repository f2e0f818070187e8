#!/usr/bin/env node
/**
 * The same server over HTTP, to know what it passes without a proxy: `http-server.mjs legacy|modern`. Prints its
 * URL, and ends with its stdin.
 */
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { toNodeHandler } from '@modelcontextprotocol/node';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { createMcpHandler } from '@modelcontextprotocol/server';
import { legacyServer } from './legacy.mjs';
import { modernServer } from './modern.mjs';

/** Keeps what was sent on each stream, for a client that comes back. */
function eventStore() {
  const events = [];
  return {
    async storeEvent(streamId, message) {
      events.push({ streamId, message });
      return `${streamId}#${events.length - 1}`;
    },
    async replayEventsAfter(lastEventId, { send }) {
      const [streamId, index] = lastEventId.split('#');
      for (const [at, event] of events.entries()) {
        if (at > Number(index) && event.streamId === streamId) await send(`${streamId}#${at}`, event.message);
      }
      return streamId;
    },
  };
}

function legacyHandler() {
  const sessions = new Map();
  return async (request, response) => {
    const id = request.headers['mcp-session-id'];
    const known = sessions.get(id);
    if (known !== undefined) return known.handleRequest(request, response);
    if (id !== undefined) return response.writeHead(404).end();
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      eventStore: eventStore(),
      retryInterval: 100,
      onsessioninitialized: (session) => void sessions.set(session, transport),
      onsessionclosed: (session) => void sessions.delete(session),
    });
    await legacyServer().connect(transport);
    return transport.handleRequest(request, response);
  };
}

function modernHandler() {
  const publish = (list) =>
    list === 'tools' ? handler.notify.toolsChanged() : handler.notify.promptsChanged();
  const handler = createMcpHandler(() => modernServer(publish), { legacy: 'reject' });
  return toNodeHandler(handler);
}

const handle = process.argv[2] === 'modern' ? modernHandler() : legacyHandler();
const server = createServer((request, response) => {
  // DNS rebinding: only names of this machine.
  const { hostname } = new URL(`http://${request.headers.host}`);
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname)) return response.writeHead(403).end();
  return void handle(request, response);
});
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${server.address().port}/mcp\n`);
});
process.stdin.on('end', () => process.exit(0)).resume();
