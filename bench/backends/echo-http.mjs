// Minimal raw MCP HTTP server for direction B: Streamable HTTP at /mcp (JSON, or SSE with ?mode=sse) and legacy SSE at /sse + /message.
// usage: node echo-http.mjs PORT

import { randomUUID } from 'node:crypto';
import http from 'node:http';
import { handle } from './echo-core.mjs';

const sse = new Map(),
  sessions = new Set();
const body = (req) =>
  new Promise((ok, no) => {
    const c = [];
    req.on('data', (d) => c.push(d));
    req.on('end', () => ok(Buffer.concat(c).toString('utf8')));
    req.on('error', no);
  });
const srv = http.createServer(async (req, res) => {
  const u = new URL(req.url, 'http://x');
  if (u.pathname === '/mcp') {
    if (req.method === 'POST') {
      const m = JSON.parse(await body(req));
      const out = handle(m);
      if (!out) {
        res.writeHead(202).end();
        return;
      }
      const h = {};
      if (m.method === 'initialize') {
        const id = randomUUID();
        sessions.add(id);
        h['mcp-session-id'] = id;
      }
      if (u.searchParams.get('mode') === 'sse') {
        res.writeHead(200, { ...h, 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
        res.end(`event: message\ndata: ${JSON.stringify(out)}\n\n`);
      } else {
        const s = Buffer.from(JSON.stringify(out));
        res.writeHead(200, { ...h, 'content-type': 'application/json', 'content-length': s.length });
        res.end(s);
      }
    } else if (req.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
    } else if (req.method === 'DELETE') {
      sessions.delete(req.headers['mcp-session-id']);
      res.writeHead(200).end();
    } else res.writeHead(405).end();
  } else if (u.pathname === '/sse' && req.method === 'GET') {
    const id = randomUUID();
    sse.set(id, res);
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    res.write(`event: endpoint\ndata: /message?sessionId=${id}\n\n`);
    req.on('close', () => sse.delete(id));
  } else if (u.pathname === '/message' && req.method === 'POST') {
    const s = sse.get(u.searchParams.get('sessionId'));
    const m = JSON.parse(await body(req));
    res.writeHead(202).end('Accepted');
    const out = handle(m);
    if (out) s?.write(`event: message\ndata: ${JSON.stringify(out)}\n\n`);
  } else res.writeHead(404).end();
});
srv.keepAliveTimeout = 60000;
srv.listen(+process.argv[2], '127.0.0.1', () => console.log(`http://127.0.0.1:${srv.address().port}/mcp`));
