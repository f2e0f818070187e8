// Floor for direction B: stdin lines -> POST (node:http keep-alive agent) -> stdout lines. JSON.parse/stringify per message; no SDK.
// usage: node relay-b.mjs URL   (/mcp => Streamable HTTP, /sse => legacy SSE)
import http from 'node:http';

const url = new URL(process.argv[2]);
const agent = new http.Agent({ keepAlive: true, maxSockets: 64 });
let sid,
  endpoint = url,
  ready = Promise.resolve();
const lines = (cb) => {
  let chunks = [];
  return (c) => {
    let s = 0,
      i;
    while ((i = c.indexOf(10, s)) !== -1) {
      chunks.push(c.subarray(s, i));
      const l = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      chunks = [];
      s = i + 1;
      cb(l.toString('utf8'));
    }
    if (s < c.length) chunks.push(c.subarray(s));
  };
};
const emit = (s) => process.stdout.write(JSON.stringify(JSON.parse(s)) + '\n');
if (url.pathname.endsWith('/sse'))
  ready = new Promise((ok) => {
    http.get(url, { headers: { accept: 'text/event-stream' } }, (res) => {
      let ev;
      res.on(
        'data',
        lines((l) => {
          if (l.startsWith('event: ')) ev = l.slice(7);
          else if (l.startsWith('data: ')) {
            if (ev === 'endpoint') {
              endpoint = new URL(l.slice(6), url);
              ok();
            } else emit(l.slice(6));
          }
        }),
      );
    });
  });
const post = (m) =>
  new Promise((ok) => {
    const b = Buffer.from(JSON.stringify(m));
    const req = http.request(
      endpoint,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
          'content-length': b.length,
          ...(sid && { 'mcp-session-id': sid, 'mcp-protocol-version': '2025-06-18' }),
        },
      },
      (res) => {
        sid ??= res.headers['mcp-session-id'];
        const ct = res.headers['content-type'] ?? '';
        if (ct.startsWith('text/event-stream')) {
          res.on(
            'data',
            lines((l) => {
              if (l.startsWith('data: ')) emit(l.slice(6));
            }),
          );
          res.on('end', ok);
        } else {
          const c = [];
          res.on('data', (d) => c.push(d));
          res.on('end', () => {
            if (ct.startsWith('application/json')) emit(Buffer.concat(c).toString('utf8'));
            ok();
          });
        }
      },
    );
    req.end(b);
  });
let q = ready;
process.stdin.on(
  'data',
  lines((l) => {
    if (!l) return;
    const m = JSON.parse(l);
    if (m.method === 'initialize' || m.method?.startsWith('notifications/')) q = q.then(() => post(m));
    else if (q) q.then(() => post(m));
  }),
);
process.stdin.on('end', () => process.exit(0));
