import { spawn } from 'node:child_process';
import fs from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { Agent } from 'undici';

export const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
export const now = () => performance.now();
export const q = (arr, p) => {
  if (!arr.length) return NaN;
  const a = [...arr].sort((x, y) => x - y);
  return a[Math.min(a.length - 1, Math.floor(p * a.length))];
};
export const median = (arr) => {
  const a = arr.filter((x) => Number.isFinite(x)).sort((x, y) => x - y);
  if (!a.length) return NaN;
  const m = a.length >> 1;
  return a.length % 2 ? a[m] : (a[m - 1] + a[m]) / 2;
};
let nextPort = 21000 + (process.pid % 400) * 50;
export async function freePort() {
  for (;;) {
    const p = nextPort++;
    const ok = await new Promise((r) => {
      const s = net.createServer();
      s.once('error', () => r(false));
      s.listen(p, '127.0.0.1', () => s.close(() => r(true)));
    });
    if (ok) return p;
  }
}

// ---- processes -------------------------------------------------------------
const live = new Set();
export function launch([cmd, ...args], { env = {}, stdio = 'ignore', log } = {}) {
  const err = log ? fs.openSync(log, 'a') : 'ignore';
  const p = spawn(cmd, args, {
    env: { ...process.env, ...env },
    stdio: stdio === 'pipe' ? ['pipe', 'pipe', err] : ['ignore', err, err],
  });
  if (log) fs.closeSync(err);
  live.add(p);
  p.exited = new Promise((r) =>
    p.once('exit', (code, sig) => {
      live.delete(p);
      p.gone = { code, sig };
      r();
    }),
  );
  p.on('error', () => {});
  return p;
}
export async function stop(p) {
  if (!p || p.gone || !p.pid) return;
  const kids = tree(p.pid);
  try {
    p.stdin?.end();
  } catch {}
  p.kill('SIGTERM');
  await Promise.race([p.exited, sleep(1500)]);
  if (!p.gone) {
    p.kill('SIGKILL');
    await Promise.race([p.exited, sleep(2000)]);
  }
  await sleep(50);
  let left = 0; // end only our own leftovers
  for (const k of kids)
    if (k !== p.pid && alive(k)) {
      left++;
      try {
        process.kill(k, 'SIGKILL');
      } catch {}
    }
  return left;
}
process.on('exit', () => {
  for (const p of live)
    try {
      for (const k of tree(p.pid)) process.kill(k, 'SIGKILL');
    } catch {}
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
const alive = (pid) => {
  try {
    const s = fs.readFileSync(`/proc/${pid}/stat`, 'utf8');
    return s.slice(s.lastIndexOf(')') + 2)[0] !== 'Z';
  } catch {
    return false;
  }
};
export function tree(root) {
  const kids = new Map();
  for (const d of fs.readdirSync('/proc')) {
    if (d < '0' || d > '9999999999' || !/^\d+$/.test(d)) continue;
    try {
      const s = fs.readFileSync(`/proc/${d}/stat`, 'utf8');
      const f = s.slice(s.lastIndexOf(')') + 2).split(' ');
      if (f[0] === 'Z') continue;
      const pp = +f[1];
      if (!kids.has(pp)) kids.set(pp, []);
      kids.get(pp).push(+d);
    } catch {}
  }
  const out = [],
    st = [root];
  while (st.length) {
    const x = st.pop();
    out.push(x);
    st.push(...(kids.get(x) ?? []));
  }
  return out;
}
const kb = (pid, file, key) => {
  try {
    const m = fs.readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${key}:\\s+(\\d+)`, 'm'));
    return m ? +m[1] : 0;
  } catch {
    return 0;
  }
};
export function mem(pid) {
  const t = tree(pid);
  const kids = t.slice(1);
  return {
    rss: kb(pid, 'status', 'VmRSS') / 1024,
    kids: kids.length,
    kidsPss: kids.reduce((a, k) => a + kb(k, 'smaps_rollup', 'Pss'), 0) / 1024,
  };
}
export function cpuNs(pid) {
  let n = 0;
  try {
    for (const t of fs.readdirSync(`/proc/${pid}/task`))
      n += +fs.readFileSync(`/proc/${pid}/task/${t}/schedstat`, 'utf8').split(' ')[0];
  } catch {}
  return n;
}

// ---- byte line splitter ----------------------------------------------------
export function lines(cb) {
  let chunks = [];
  return (c) => {
    let s = 0,
      i;
    while ((i = c.indexOf(10, s)) !== -1) {
      chunks.push(c.subarray(s, i));
      const l = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
      chunks = [];
      s = i + 1;
      cb(l);
    }
    if (s < c.length) chunks.push(c.subarray(s));
  };
}

// ---- payloads & verification ----------------------------------------------
const PV = '2025-06-18';
const initMsg = (id) =>
  JSON.stringify({
    jsonrpc: '2.0',
    id,
    method: 'initialize',
    params: { protocolVersion: PV, capabilities: {}, clientInfo: { name: 'bench', version: '1' } },
  });
const MODERN = '2026-07-28';
const META = JSON.stringify({
  'io.modelcontextprotocol/protocolVersion': MODERN,
  'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1' },
  'io.modelcontextprotocol/clientCapabilities': {},
});
const INITED = '{"jsonrpc":"2.0","method":"notifications/initialized"}';
const callMsg = (id, text, tool, arg) =>
  `{"jsonrpc":"2.0","id":${id},"method":"tools/call","params":{"name":"${tool}","arguments":{"${arg}":"${text}"}}}`;
let uniq = 0;
export const textOf = (size) => {
  const tag = `u${process.pid}x${uniq++}-`;
  return tag + 'abcdefghijklmnop'.repeat(Math.ceil(size / 16)).slice(0, Math.max(0, size - tag.length));
};
const verify = (m, id, text) => {
  if (m.error) return 'error';
  if (m.id !== id) return 'wrong-id';
  const t = m.result?.content?.[0]?.text;
  return t === text || t === `Echo: ${text}` ? 'ok' : 'wrong';
};
const timeout = (ms, what) => {
  let t;
  const p = new Promise((_, no) => {
    t = setTimeout(() => no(new Error('timeout ' + what)), ms);
  });
  p.clear = () => clearTimeout(t);
  return p;
};

class Base {
  id = 1;
  stats = { ok: 0, wrong: 0, lost: 0, error: 0, foreign: 0 };
  tool = 'echo';
  arg = 'message';
  // returns ms
  async call(text, ms = 20000) {
    const id = this.id++,
      msg = callMsg(id, text, this.tool, this.arg),
      t0 = now();
    try {
      const { t, m } = await this.roundtrip(id, msg, ms);
      const v = verify(typeof m === 'function' ? m() : m, id, text);
      if (v === 'ok') this.stats.ok++;
      else if (v === 'error') {
        this.stats.error++;
        this.lastError = JSON.stringify(typeof m === 'function' ? m() : m).slice(0, 200);
      } else this.stats.wrong++;
      return t - t0;
    } catch (e) {
      if (/timeout/.test(e.message)) this.stats.lost++;
      else this.stats.error++;
      this.lastError = e.message.slice(0, 200);
      return NaN;
    }
  }
  async init(ms = 20000) {
    const id = this.id++;
    const { m } = await this.roundtrip(id, initMsg(id), ms, true);
    const r = typeof m === 'function' ? m() : m;
    if (!r.result) throw new Error('init: ' + JSON.stringify(r).slice(0, 200));
    await this.notify(INITED);
    return r;
  }
}

export class HttpSession extends Base {
  // Streamable HTTP
  constructor(base, path, agent, headers = {}) {
    super();
    this.origin = base;
    this.path = path;
    this.agent = agent;
    this.own = headers;
  }
  headers(extra) {
    const h = {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...this.own,
    };
    if (this.sid) h['mcp-session-id'] = this.sid;
    if (this.inited) h['mcp-protocol-version'] = PV;
    return Object.assign(h, extra);
  }
  async roundtrip(id, msg, ms) {
    const to = timeout(ms, 'POST');
    to.catch(() => {});
    const ac = new AbortController();
    try {
      return await Promise.race([to, this.#post(msg, ac.signal)]);
    } catch (e) {
      ac.abort();
      throw e;
    } finally {
      to.clear();
    }
  }
  async #post(msg, signal) {
    const r = await this.agent.request({
      origin: this.origin,
      path: this.path,
      method: 'POST',
      headers: this.headers(),
      body: msg,
      signal,
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const ct = r.headers['content-type'] ?? '';
    if (r.statusCode >= 400) {
      const b = await r.body.text();
      throw new Error(`HTTP ${r.statusCode} ${b.slice(0, 120)}`);
    }
    if (!this.inited) {
      this.sid = r.headers['mcp-session-id'];
      this.inited = true;
    }
    if (ct.startsWith('application/json')) {
      const c = [];
      for await (const d of r.body) c.push(d);
      const t = now();
      return { t, m: () => JSON.parse(Buffer.concat(c).toString('utf8')) };
    }
    return await new Promise((ok, no) => {
      // SSE: first message is the reply; anything further is foreign/duplicate
      let first = null,
        tag = Buffer.from('data:');
      r.body.on(
        'data',
        lines((l) => {
          if (l.length < 7 || l.compare(tag, 0, 5, 0, 5) !== 0) return;
          const t = now();
          if (l.indexOf('"method"') >= 0 && JSON.parse(l.subarray(5).toString('utf8')).method) {
            this.serverMsgs = (this.serverMsgs ?? 0) + 1;
            return;
          }
          if (l.subarray(5).toString('latin1', 0, 3).trim() === '') return;
          if (first) {
            this.stats.foreign++;
            return;
          }
          first = { t, m: () => JSON.parse(l.subarray(5).toString('utf8')) };
          ok(first);
        }),
      );
      r.body.on('end', () => {
        if (!first) no(new Error('stream ended without reply'));
      });
      r.body.on('error', no);
    });
  }
  async notify(msg) {
    const r = await this.agent.request({
      origin: this.origin,
      path: this.path,
      method: 'POST',
      headers: this.headers(),
      body: msg,
    });
    await r.body.dump();
    if (r.statusCode >= 400) throw new Error('notify HTTP ' + r.statusCode);
  }
  openStream() {
    return new Promise((ok) => {
      const u = new URL(this.path, this.origin);
      this.get = http.get(
        u,
        { agent: false, headers: this.headers({ accept: 'text/event-stream' }) },
        (res) => {
          this.getStatus = res.statusCode;
          res.on(
            'data',
            lines((l) => {
              if (l.length > 6 && l.toString('latin1', 0, 5) === 'data:') {
                if (l.indexOf('"method"') >= 0) this.serverMsgs = (this.serverMsgs ?? 0) + 1;
                else this.stats.foreign++;
              }
            }),
          );
          res.on('error', () => {});
          ok(res.statusCode);
        },
      );
      this.get.on('error', () => ok(0));
      setTimeout(() => ok(-1), 3000).unref();
    });
  }
  async close({ del = true } = {}) {
    this.get?.destroy();
    if (!del || !this.sid) return;
    try {
      const r = await this.agent.request({
        origin: this.origin,
        path: this.path,
        method: 'DELETE',
        headers: this.headers(),
      });
      await r.body.dump();
      this.delStatus = r.statusCode;
    } catch (e) {
      this.delStatus = e.message;
    }
  }
}

export class ModernClient extends HttpSession {
  // 2026-07-28: no session, every request says who asks
  headers(extra) {
    const [, method] = /"method":"([^"]+)"/.exec(this.msg) ?? [];
    const h = super.headers({ 'mcp-protocol-version': MODERN, 'mcp-method': method, ...extra });
    if (method === 'tools/call') h['mcp-name'] = this.tool;
    delete h['mcp-session-id'];
    return h;
  }
  async roundtrip(id, msg, ms) {
    this.msg = msg.replace('"params":{', `"params":{"_meta":${META},`).replace(',}', '}');
    return super.roundtrip(id, this.msg, ms);
  }
  async init() {
    const id = this.id++;
    const { m } = await this.roundtrip(
      id,
      `{"jsonrpc":"2.0","id":${id},"method":"server/discover","params":{}}`,
      20000,
    );
    const r = typeof m === 'function' ? m() : m;
    if (!r.result) throw new Error('discover: ' + JSON.stringify(r).slice(0, 200));
    return r;
  }
  async close() {}
}

export class SseSession extends Base {
  // legacy HTTP+SSE
  pending = new Map();
  constructor(base, path, agent) {
    super();
    this.origin = base;
    this.path = path;
    this.agent = agent;
  }
  connect(ms = 10000) {
    return new Promise((ok, no) => {
      const to = setTimeout(() => no(new Error('timeout GET sse')), ms);
      let ev;
      this.get = http.get(
        new URL(this.path, this.origin),
        { agent: false, headers: { accept: 'text/event-stream' } },
        (res) => {
          if (res.statusCode !== 200) {
            clearTimeout(to);
            no(new Error('GET sse ' + res.statusCode));
            res.resume();
            return;
          }
          res.on('error', () => {});
          res.on(
            'data',
            lines((l) => {
              if (l.length && l[l.length - 1] === 13) l = l.subarray(0, -1);
              if (l.length > 6 && l.toString('latin1', 0, 6) === 'event:') {
                ev = l.subarray(6).toString().trim();
                return;
              }
              if (l.length < 6 || l.toString('latin1', 0, 5) !== 'data:') return;
              if (ev === 'endpoint') {
                clearTimeout(to);
                const u = new URL(l.subarray(5).toString().trim(), this.origin);
                this.msgPath = u.pathname + u.search;
                ok();
                return;
              }
              const t = now(),
                m = JSON.parse(l.subarray(5).toString('utf8')),
                p = this.pending.get(m.id);
              if (p && !m.method) {
                this.pending.delete(m.id);
                p({ t, m });
              } else if (!m.method) this.stats.foreign++;
              else this.serverMsgs = (this.serverMsgs ?? 0) + 1;
            }),
          );
        },
      );
      this.get.on('error', (e) => {
        clearTimeout(to);
        no(e);
      });
    });
  }
  async init(ms) {
    await this.connect(ms);
    return super.init(ms);
  }
  async roundtrip(id, msg, ms) {
    const to = timeout(ms, 'SSE reply');
    to.catch(() => {});
    const got = new Promise((ok) => this.pending.set(id, ok));
    try {
      const r = await this.agent.request({
        origin: this.origin,
        path: this.msgPath,
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: msg,
      });
      const b = await r.body.text();
      if (r.statusCode >= 400) throw new Error(`HTTP ${r.statusCode} ${b.slice(0, 120)}`);
      return await Promise.race([got, to]);
    } finally {
      to.clear();
      this.pending.delete(id);
    }
  }
  async notify(msg) {
    const r = await this.agent.request({
      origin: this.origin,
      path: this.msgPath,
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: msg,
    });
    await r.body.dump();
  }
  async openStream() {
    return 200;
  }
  async close() {
    this.get?.destroy();
  }
}

export class StdioSession extends Base {
  // a process we talk to over pipes
  pending = new Map();
  constructor(argv, opts = {}) {
    super();
    this.argv = argv;
    this.opts = opts;
  }
  start() {
    this.proc = launch(this.argv, { stdio: 'pipe', ...this.opts });
    this.proc.stdin.on('error', () => {});
    this.proc.stdout.on(
      'data',
      lines((l) => {
        if (!l.length) return;
        const t = now();
        let m;
        try {
          m = JSON.parse(l.toString('utf8'));
        } catch {
          this.garbage = (this.garbage ?? 0) + 1;
          return;
        }
        const p = this.pending.get(m.id);
        if (p && !m.method) {
          this.pending.delete(m.id);
          p({ t, m });
        } else if (!m.method) this.stats.foreign++;
      }),
    );
  }
  async init(ms) {
    if (!this.proc) this.start();
    return super.init(ms);
  }
  async roundtrip(id, msg, ms) {
    const to = timeout(ms, 'stdio');
    to.catch(() => {});
    const got = new Promise((ok) => this.pending.set(id, ok));
    this.proc.stdin.write(msg + '\n');
    try {
      return await Promise.race([
        got,
        to,
        this.proc.exited.then(() => {
          throw new Error('process exited ' + JSON.stringify(this.proc.gone));
        }),
      ]);
    } finally {
      to.clear();
      this.pending.delete(id);
    }
  }
  async notify(msg) {
    this.proc.stdin.write(msg + '\n');
  }
  async openStream() {
    return 200;
  }
  async close() {}
}

// ---- a running contender ---------------------------------------------------
export class Runner {
  constructor(c, { backend, log } = {}) {
    this.c = c;
    this.backend = backend;
    this.log = log;
  }
  async start() {
    const c = this.c;
    if (c.kind === 'stdio') {
      this.t0 = now();
      this.stdio = new StdioSession(c.spawn({ backend: this.backend, url: this.url }), {
        env: c.env,
        log: this.log,
      });
      await this.stdio.init(30000);
      this.ready = now() - this.t0;
      this.proc = this.stdio.proc;
      return this;
    }
    this.port = await freePort();
    this.base = `http://127.0.0.1:${this.port}`;
    this.agent = new Agent({ connections: 128, pipelining: 1, keepAliveTimeout: 3000 });
    this.t0 = now();
    this.proc = launch(c.spawn({ port: this.port, backend: this.backend, url: this.url }), {
      env: c.env,
      log: this.log,
    });
    for (;;) {
      // poll until a real initialize succeeds
      if (this.proc.gone) throw new Error(`${c.name} exited ${JSON.stringify(this.proc.gone)}`);
      if (now() - this.t0 > 30000) throw new Error(`${c.name} never became ready`);
      if (await portOpen(this.port)) {
        const s = this.session();
        try {
          await s.init(20000);
          this.ready = now() - this.t0;
          await s.close();
          break;
        } catch (e) {
          this.firstErr = e.message;
          await s.close().catch(() => {});
        }
      }
      await sleep(4);
    }
    return this;
  }
  session() {
    if (this.c.kind === 'stdio') return this.stdio;
    const S = { sse: SseSession, modern: ModernClient }[this.c.transport] ?? HttpSession;
    const s = new S(this.base, this.c.path, this.agent, this.c.headers);
    if (this.c.tool) s.tool = this.c.tool;
    return s;
  }
  async open() {
    if (this.c.kind === 'stdio') return this.stdio;
    const s = this.session();
    await s.init(30000);
    return s;
  }
  async stop() {
    const left = await stop(this.proc);
    await this.agent?.destroy().catch(() => {});
    return left;
  }
}
const portOpen = (p) =>
  new Promise((r) => {
    const s = net.connect(p, '127.0.0.1');
    s.once('connect', () => {
      s.destroy();
      r(true);
    });
    s.once('error', () => r(false));
  });
