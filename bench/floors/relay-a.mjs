// Floor for direction A: raw node:http + child_process line relay, id remapping, no SDK, no validation.
// usage: node relay-a.mjs --port P [--per-session] -- cmd args...   serves /mcp (JSON responses) and /sse + /message

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import http from 'node:http';

const a = process.argv.slice(2),
  dd = a.indexOf('--');
const [cmd, ...args] = a.slice(dd + 1);
const port = +a[a.indexOf('--port') + 1];
const perSession = a.slice(0, dd).includes('--per-session');
class Child {
  constructor() {
    this.p = spawn(cmd, args, { stdio: ['pipe', 'pipe', 'inherit'] });
    this.next = 1;
    this.pending = new Map();
    let chunks = [];
    this.p.stdout.on('data', (c) => {
      let s = 0,
        i;
      while ((i = c.indexOf(10, s)) !== -1) {
        chunks.push(c.subarray(s, i));
        const line = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
        chunks = [];
        s = i + 1;
        if (line.length) this.#msg(JSON.parse(line.toString('utf8')));
      }
      if (s < c.length) chunks.push(c.subarray(s));
    });
    this.p.stdin.on('error', () => {});
  }
  #msg(m) {
    const e = this.pending.get(m.id);
    if (e && !m.method) {
      this.pending.delete(m.id);
      m.id = e.id;
      e.cb(m);
    }
  }
  send(m, cb) {
    if (m.id !== undefined && m.method !== undefined) {
      const id = this.next++;
      this.pending.set(id, { id: m.id, cb });
      m.id = id;
    }
    this.p.stdin.write(JSON.stringify(m) + '\n');
  }
  kill() {
    this.p.stdin.end();
    this.p.kill();
  }
}
const shared = perSession ? null : new Child();
const sessions = new Map();
const body = (req) =>
  new Promise((ok, no) => {
    const c = [];
    req.on('data', (d) => c.push(d));
    req.on('end', () => ok((c.length === 1 ? c[0] : Buffer.concat(c)).toString('utf8')));
    req.on('error', no);
  });
const srv = http.createServer(async (req, res) => {
  const q = req.url.indexOf('?'),
    path = q < 0 ? req.url : req.url.slice(0, q);
  if (path === '/mcp') {
    if (req.method === 'POST') {
      const m = JSON.parse(await body(req));
      let sid = req.headers['mcp-session-id'],
        child;
      if (!sid && m.method === 'initialize') {
        sid = randomUUID();
        sessions.set(sid, (child = shared ?? new Child()));
      } else child = sessions.get(sid);
      if (!child) {
        res.writeHead(404).end();
        return;
      }
      if (m.id === undefined || m.method === undefined) {
        child.send(m);
        res.writeHead(202).end();
        return;
      }
      child.send(m, (r) => {
        const s = Buffer.from(JSON.stringify(r));
        res.writeHead(200, {
          'content-type': 'application/json',
          'content-length': s.length,
          'mcp-session-id': sid,
        });
        res.end(s);
      });
    } else if (req.method === 'GET') {
      res.writeHead(200, { 'content-type': 'text/event-stream' });
      res.flushHeaders();
    } else if (req.method === 'DELETE') {
      const sid = req.headers['mcp-session-id'],
        c = sessions.get(sid);
      sessions.delete(sid);
      if (c && c !== shared) c.kill();
      res.writeHead(200).end();
    } else res.writeHead(405).end();
  } else if (path === '/sse') {
    const sid = randomUUID(),
      child = shared ?? new Child();
    sessions.set(sid, { child, res });
    res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    res.write(`event: endpoint\ndata: /message?sessionId=${sid}\n\n`);
    req.on('close', () => {
      sessions.delete(sid);
      if (child !== shared) child.kill();
    });
  } else if (path === '/message') {
    const s = sessions.get(req.url.slice(q + 11));
    if (!s) {
      res.writeHead(404).end();
      return;
    }
    const m = JSON.parse(await body(req));
    res.writeHead(202).end();
    s.child.send(m, (r) => s.res.write(`event: message\ndata: ${JSON.stringify(r)}\n\n`));
  } else res.writeHead(404).end();
});
srv.keepAliveTimeout = 60000;
srv.listen(port, '127.0.0.1');
for (const s of ['SIGTERM', 'SIGINT'])
  process.on(s, () => {
    shared?.kill();
    for (const v of sessions.values()) (v.child ?? v).kill();
    process.exit(0);
  });
