// node bench.mjs [--only latency,large,...] [--dir A,B,S] [--contenders regex] [--rounds N] [--backend echo|light|everything] [--out file.json] [--ms 1500] [--log dir] [--prewarm 4000] [--tput 1x32,64x1]
// Every test starts all its contenders, then visits them round-robin (order rotated per round), and reports the median over rounds,
// and the ratio to the contender's floor, taken within the same round (median of per-round ratios), so drifts of the machine cancel.
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { contenders as ALL, BACKENDS, HTTP_BACKEND, npmContenders, pySeed } from './contenders.mjs';
import { cpuNs, freePort, launch, median, mem, now, q, Runner, sleep, stop, textOf, tree } from './lib.mjs';

const a = process.argv.slice(2);
const opt = (k, d) => {
  const i = a.indexOf('--' + k);
  return i < 0 ? d : a[i + 1];
};
const QUICK = a.includes('--quick');
const TESTS = ['latency', 'large', 'throughput', 'cold', 'memory', 'leak', 'correct', 'install'];
const only = opt('only', QUICK ? 'latency,throughput,cold,correct' : TESTS.join(',')).split(','),
  dirs = opt('dir', 'A,B').split(','),
  filt = new RegExp(opt('contenders', QUICK ? '^(b-)?(ours|floor)' : '.')),
  ROUNDS = +opt('rounds', QUICK ? 3 : 5),
  MS = +opt('ms', QUICK ? 400 : 1500),
  BACKEND = opt('backend', 'echo'),
  LOG = opt('log'),
  PREWARM = +opt('prewarm', QUICK ? 2000 : 4000),
  TPUT = opt('tput', '1x32,64x1');
const out = {
  when: new Date().toISOString(),
  node: process.version,
  cpus: os.cpus().length,
  rounds: ROUNDS,
  backend: BACKEND,
  tests: {},
};
const pick = (d) =>
  ALL.filter(
    (c) =>
      (c.dir === d && filt.test(c.name)) ||
      (ALL.some((x) => x.dir === d && filt.test(x.name) && x.floor === c.name) && c.dir === d),
  );
let httpBackend, httpPort;
async function remote(c) {
  if (!c.remote) return;
  if (!httpBackend) {
    httpPort = await freePort();
    httpBackend = launch([process.execPath, HTTP_BACKEND, String(httpPort)]);
    await sleep(300);
  }
  return `http://127.0.0.1:${httpPort}${c.remote}`;
}
async function mk(c, backend = BACKEND) {
  const r = new Runner(c, { backend: BACKENDS[backend], log: LOG && `${LOG}/${c.name}.log` });
  r.url = await remote(c);
  await r.start();
  return r;
}
const fmt = (x) =>
  x === undefined || Number.isNaN(x)
    ? '-'
    : typeof x === 'string'
      ? x
      : Math.abs(x) >= 1000
        ? x.toFixed(0)
        : Math.abs(x) >= 100
          ? x.toFixed(0)
          : Math.abs(x) >= 10
            ? x.toFixed(1)
            : x.toFixed(2);
function table(title, rows, cols) {
  console.log(`\n## ${title}`);
  const H = ['contender', ...cols];
  const R = rows.map((r) => [r.name, ...cols.map((c) => fmt(r[c]))].map(String));
  const w = H.map((h, i) => Math.max(h.length, ...R.map((r) => r[i].length)));
  const line = (r) => '| ' + r.map((x, i) => (i ? x.padStart(w[i]) : x.padEnd(w[i]))).join(' | ') + ' |';
  console.log(line(H));
  console.log('|' + w.map((x) => '-'.repeat(x + 2)).join('|') + '|');
  R.forEach((r) => console.log(line(r)));
}
// generic: slot(r, c, round) -> {metric: number}; returns rows with medians and *_x ratios to the floor
async function roundRobin(
  key,
  title,
  list,
  slot,
  { ratios = [], cols, backend, fresh = false, warm = false } = {},
) {
  const rs = new Map(),
    data = new Map(list.map((c) => [c.name, []])),
    fail = new Map();
  if (!fresh)
    for (const c of list)
      try {
        rs.set(c.name, await mk(c, backend));
      } catch (e) {
        fail.set(c.name, e.message);
      }
  if (warm)
    for (const [name, r] of rs)
      try {
        const s = await r.open();
        let n = PREWARM;
        await Promise.all(
          Array.from({ length: 32 }, async () => {
            while (n-- > 0) await s.call(textOf(100));
          }),
        );
        await s.close();
      } catch (e) {
        fail.set(name, 'warm-up: ' + e.message);
      } // V8 needs thousands of calls before its CPU/call settles
  for (let k = 0; k < ROUNDS; k++)
    for (let i = 0; i < list.length; i++) {
      const c = list[(i + k) % list.length];
      if (fail.has(c.name)) continue;
      try {
        data.get(c.name)[k] = await slot(rs.get(c.name), c, k);
      } catch (e) {
        fail.set(c.name, e.message.replace(/\s+/g, ' ').slice(0, 110));
        if (process.env.DEBUG) console.error(c.name, e);
      }
    }
  const rows = list.map((c) => {
    const d = data.get(c.name).filter(Boolean),
      row = { name: c.name, dir: c.dir };
    for (const m of Object.keys(d[0] ?? {})) {
      row[m] = median(d.map((x) => x[m]));
    }
    for (const m of ratios) {
      const fl = data.get(c.floor);
      if (!fl) continue;
      const rr = data.get(c.name).map((x, k) => (x && fl[k] ? x[m] / fl[k][m] : NaN));
      row[m + '_x'] = median(rr);
    }
    if (fail.has(c.name)) row.fail = fail.get(c.name);
    row.raw = data.get(c.name);
    return row;
  });
  for (const r of rs.values()) {
    const left = await r.stop();
    if (left) {
      const row = rows.find((x) => x.name === r.c.name);
      row.leftover = left;
    }
  }
  table(title, rows, cols);
  for (const r of rows) {
    if (r.fail) console.log(`  ! ${r.name}: ${r.fail}`);
    if (r.leftover) console.log(`  ! ${r.name}: ${r.leftover} child process(es) still there after SIGTERM`);
  }
  out.tests[key] = { title, rows };
  save();
  return rows;
}
const chk = (s) => {
  const bad = s.stats.wrong + s.stats.lost + s.stats.error;
  if (bad) throw new Error(`${JSON.stringify(s.stats)} ${s.lastError ?? ''}`);
};

const T = {
  async latency(d) {
    return roundRobin(
      `latency-${d}`,
      `[${d}] sequential latency, tools/call echo 100 B (ms; cpu = proxy CPU us/call)`,
      pick(d),
      async (r, c) => {
        const s = await r.open();
        for (let i = 0; i < 60; i++) await s.call(textOf(100));
        const ts = [];
        const c0 = cpuNs(r.proc.pid);
        const N = 400;
        for (let i = 0; i < N; i++) ts.push(await s.call(textOf(100)));
        const cpu = (cpuNs(r.proc.pid) - c0) / 1e3 / N;
        chk(s);
        await s.close();
        return { p50: q(ts, 0.5), p99: q(ts, 0.99), cpu };
      },
      { warm: true, ratios: ['p50', 'p99', 'cpu'], cols: ['p50', 'p50_x', 'p99', 'p99_x', 'cpu', 'cpu_x'] },
    );
  },
  async large(d) {
    for (const [lab, size, N] of [
      ['1MiB', 1 << 20, 8],
      ['3.5MiB', 3.5 * (1 << 20), 5],
      ['10MiB', 10 << 20, 3],
    ])
      await roundRobin(
        `large-${lab}-${d}`,
        `[${d}] sequential latency, tools/call echo ${lab} (ms)`,
        pick(d),
        async (r) => {
          const s = await r.open();
          const w = await s.call(textOf(size), 8000);
          chk(s);
          const ts = [];
          const c0 = cpuNs(r.proc.pid);
          for (let i = 0; i < N; i++) ts.push(await s.call(textOf(size), 30000));
          const cpu = (cpuNs(r.proc.pid) - c0) / 1e6 / N;
          chk(s);
          await s.close();
          return { p50: q(ts, 0.5), max: Math.max(...ts), cpu_ms: cpu, rss: mem(r.proc.pid).rss };
        },
        { ratios: ['p50', 'cpu_ms'], cols: ['p50', 'p50_x', 'max', 'cpu_ms', 'cpu_ms_x', 'rss'] },
      );
  },
  async throughput(d) {
    const loop = async (r, sess, perSess) => {
      let stopAt = Infinity,
        n = 0,
        on = false;
      const w = async (s) => {
        while (now() < stopAt) {
          await s.call(textOf(100));
          if (on) n++;
        }
      };
      const ws = sess.flatMap((s) => Array.from({ length: perSess }, () => w(s)));
      await sleep(300);
      on = true;
      const t0 = now(),
        c0 = cpuNs(r.proc.pid);
      await sleep(MS);
      const el = now() - t0,
        cpu = (cpuNs(r.proc.pid) - c0) / 1e3;
      const cnt = n;
      on = false;
      stopAt = 0;
      await Promise.all(ws);
      return { rps: (cnt / el) * 1000, cpu: cpu / cnt };
    };
    if (TPUT.includes('1x32'))
      await roundRobin(
        `tput-1x32-${d}`,
        `[${d}] throughput, 1 session x 32 in flight (calls/s; cpu = proxy CPU us/call)`,
        pick(d),
        async (r) => {
          const s = await r.open();
          const x = await loop(r, [s], 32);
          chk(s);
          await s.close();
          return x;
        },
        { warm: true, ratios: ['rps', 'cpu'], cols: ['rps', 'rps_x', 'cpu', 'cpu_x'] },
      );
    if (d !== 'B' && TPUT.includes('64x1'))
      await roundRobin(
        `tput-64x1-${d}`,
        `[${d}] throughput, 64 sessions x 1 in flight (open = ms to open 64 sessions, 8 at a time)`,
        pick(d),
        async (r, c) => {
          const t0 = now();
          const S = [];
          if (c.kind === 'stdio') S.push(...Array(64).fill(r.stdio));
          else {
            let left = 64;
            await Promise.all(
              Array.from({ length: 8 }, async () => {
                while (left-- > 0) S.push(await r.open());
              }),
            );
          }
          const open = now() - t0;
          let x;
          try {
            x = await loop(r, S, 1);
          } finally {
            for (const s of new Set(S)) await s.close();
          }
          const st = S.reduce((o, s) => {
            for (const k in s.stats) o[k] = (o[k] ?? 0) + s.stats[k];
            return o;
          }, {});
          return { ...x, open, wrong: st.wrong, lost: st.lost, err: st.error, foreign: st.foreign };
        },
        {
          warm: true,
          ratios: ['rps', 'cpu', 'open'],
          cols: ['rps', 'rps_x', 'cpu', 'cpu_x', 'open', 'wrong', 'lost', 'err', 'foreign'],
        },
      );
  },
  async cold(d) {
    await roundRobin(
      `cold-${d}`,
      `[${d}] cold start: spawn -> first successful initialize (ms), RSS then (MB)`,
      pick(d),
      async (_, c) => {
        const r = await mk(c);
        await sleep(150);
        const m = mem(r.proc.pid);
        const t = r.ready;
        const cpu = cpuNs(r.proc.pid) / 1e6;
        await r.stop();
        return { ready: t, rss: m.rss, cpu_ms: cpu, kids: m.kids, kidsPss: m.kidsPss };
      },
      {
        fresh: true,
        ratios: ['ready', 'rss'],
        cols: ['ready', 'ready_x', 'cpu_ms', 'rss', 'rss_x', 'kids', 'kidsPss'],
      },
    );
  },
  async memory(d) {
    if (d === 'B') return;
    const N = +opt('sessions', 1000),
      rows = [];
    for (const c of pick(d)) {
      if (c.kind === 'stdio') continue;
      const row = { name: c.name };
      let r;
      try {
        r = await mk(c, 'light');
        await sleep(1000);
        const m0 = mem(r.proc.pid);
        row.start = m0.rss;
        row.kids0 = m0.kids;
        const S = [];
        for (let i = 0; i < 100; i++) {
          const s = await r.open();
          await s.openStream();
          S.push(s);
        }
        await sleep(1000);
        let m = mem(r.proc.pid);
        row.open100 = m.rss;
        row.kids100 = m.kids;
        for (const s of S) await s.close();
        const churn = async (n, del) => {
          let left = n,
            bad = 0;
          const bodies = new Map();
          await Promise.all(
            Array.from({ length: 4 }, async () => {
              while (left-- > 0) {
                const s = await r.open();
                await s.call(textOf(100));
                if (s.stats.ok !== 1) bad++;
                await s.close({ del });
                if (del && s.sid && s.delStatus !== 200 && s.delStatus !== 204)
                  bodies.set(s.delStatus, (bodies.get(s.delStatus) ?? 0) + 1);
              }
            }),
          );
          await sleep(1500);
          if (bodies.size) row.del = [...bodies].join(' ');
          row.bad = (row.bad ?? 0) + bad;
          return mem(r.proc.pid);
        };
        const t0 = now();
        m = await churn(N, true);
        row.perSess_ms = (now() - t0 - 1500) / N;
        row.closed1k = m.rss;
        m = await churn(N, true);
        row.closed2k = m.rss;
        row.kidsClosed = m.kids;
        if (c.transport !== 'sse') {
          m = await churn(N, false);
          row.aband1k = m.rss;
          row.kidsAband = m.kids;
          row.kidsPss = m.kidsPss;
          row.kb_per_aband = ((m.rss - row.closed2k) * 1024) / N;
        }
      } catch (e) {
        row.fail = e.message.slice(0, 120);
      }
      row.leftover = await r?.stop();
      rows.push(row);
      console.error('memory', JSON.stringify(row));
    }
    table(
      `[${d}] RSS in MB: start, 100 open sessions (GET stream open), after 1,000 / 2,000 opened+closed by DELETE, +1,000 abandoned; children (light C backend)`,
      rows,
      [
        'start',
        'open100',
        'kids100',
        'closed1k',
        'closed2k',
        'kidsClosed',
        'aband1k',
        'kb_per_aband',
        'kidsAband',
        'kidsPss',
        'perSess_ms',
        'bad',
        'del',
        'leftover',
      ],
    );
    for (const r of rows) if (r.fail) console.log(`  ! ${r.name}: ${r.fail}`);
    out.tests[`memory-${d}`] = { rows };
    save();
  },
  async leak(d) {
    // live heap after a forced GC (Node contenders only): KB kept per closed and per abandoned session
    if (d === 'B') return;
    const N = +opt('sessions', 500),
      rows = [];
    const file = `/tmp/mcp-bench-gc-${process.pid}.json`;
    for (const c0 of pick(d)) {
      if (c0.kind === 'stdio') continue;
      const argv0 = c0.spawn({ port: 1, backend: ['x'] })[0];
      if (argv0 !== process.execPath) continue;
      const c = {
        ...c0,
        env: { ...c0.env, GC_OUT: file },
        spawn: (o) => {
          const a = c0.spawn(o);
          return [
            a[0],
            '--expose-gc',
            '--require',
            path.join(import.meta.dirname, 'gc-hook.cjs'),
            ...a.slice(1),
          ];
        },
      };
      const row = { name: c.name };
      let r;
      const heap = async () => {
        await sleep(700);
        fs.rmSync(file, { force: true });
        process.kill(r.proc.pid, 'SIGUSR2');
        for (let i = 0; i < 100; i++) {
          await sleep(50);
          try {
            const j = JSON.parse(fs.readFileSync(file));
            return (j.heap + j.ext) / 1024;
          } catch {}
        }
        return NaN;
      };
      const churn = async (n, del) => {
        let left = n;
        await Promise.all(
          Array.from({ length: 4 }, async () => {
            while (left-- > 0) {
              const s = await r.open();
              await s.call(textOf(100));
              await s.close({ del });
            }
          }),
        );
      };
      try {
        r = await mk(c, 'light');
        await churn(100, true);
        const h0 = await heap();
        await churn(N, true);
        const h1 = await heap();
        await churn(N, true);
        const h2 = await heap();
        row.heap_MB = h0 / 1024;
        row['KB/closed #1'] = (h1 - h0) / N;
        row['KB/closed #2'] = (h2 - h1) / N;
        if (c.transport !== 'sse') {
          await churn(N, false);
          const h3 = await heap();
          row['KB/abandoned'] = (h3 - h2) / N;
        }
        const s = await r.open();
        const h4 = await heap();
        for (let i = 0; i < 1000; i++) await s.call(textOf(100));
        const h5 = await heap();
        row['B/call, session open'] = ((h5 - h4) * 1024) / 1000;
        await s.close();
      } catch (e) {
        row.fail = e.message.slice(0, 120);
      }
      await r?.stop();
      rows.push(row);
    }
    table(
      `[${d}] live heap after forced GC: KB kept per session closed by DELETE (two batches of ${N}), per abandoned session, bytes kept per 100 B call while its session stays open`,
      rows,
      ['heap_MB', 'KB/closed #1', 'KB/closed #2', 'KB/abandoned', 'B/call, session open'],
    );
    for (const r of rows) if (r.fail) console.log(`  ! ${r.name}: ${r.fail}`);
    out.tests[`leak-${d}`] = { rows };
    save();
  },
  async correct(d) {
    // sessions use the same JSON-RPC ids (1,2,3...) and unique texts, so crossed, duplicated and lost answers show
    if (d !== 'A') return;
    await roundRobin(
      'correct',
      '[A] 16 sessions x 4 in flight x 25 calls each, ids colliding between sessions (counts, sum of a round)',
      pick(d),
      async (r, c) => {
        const S = [];
        if (c.kind === 'stdio') S.push(r.stdio);
        else
          for (let i = 0; i < 16; i++) {
            const s = await r.open();
            await s.openStream();
            S.push(s);
          }
        const b = S.map((s) => ({ ...s.stats }));
        await Promise.all(
          S.flatMap((s) =>
            Array.from({ length: 4 }, async () => {
              for (let i = 0; i < 25; i++) await s.call(textOf(50 + Math.floor(Math.random() * 2000)), 5000);
            }),
          ),
        );
        await sleep(300);
        const o = { sent: S.length * 100, ok: 0, wrong: 0, lost: 0, error: 0, foreign: 0 };
        S.forEach((s, i) => {
          for (const k in s.stats) o[k] += s.stats[k] - b[i][k];
        });
        for (const s of S) await s.close();
        return o;
      },
      { cols: ['sent', 'ok', 'wrong', 'lost', 'error', 'foreign'] },
    );
  },
  async install(d) {
    if (d !== 'A') return;
    const rows = [];
    const time = (argv) => {
      const t = now();
      spawnSync(argv[0], argv.slice(1), { stdio: 'ignore' });
      return now() - t;
    };
    const cmds = { 'node -e 0': [process.execPath, '-e', '0'] };
    for (const k in npmContenders)
      if (k !== 'mcp-remote') cmds[k] = [process.execPath, npmContenders[k], '--help'];
    cmds['mcp-remote (no args)'] = [process.execPath, npmContenders['mcp-remote']];
    cmds['seed-py'] = [pySeed, '--help'];
    const ts = {};
    for (let k = 0; k < ROUNDS; k++) for (const c in cmds) (ts[c] ??= []).push(time(cmds[c]));
    for (const c in cmds) {
      const p = c.split(' ')[0],
        dir = path.resolve('../contenders', p, 'node_modules');
      const row = { name: c, help_ms: median(ts[c]) };
      if (fs.existsSync(dir)) {
        row.du_MB = +spawnSync('du', ['-sk', dir]).stdout.toString().split('\t')[0] / 1024;
        row.apparent_MB = +spawnSync('du', ['-sb', dir]).stdout.toString().split('\t')[0] / 1048576;
        row.packages =
          spawnSync('npm', ['ls', '--all', '--parseable'], { cwd: path.dirname(dir) })
            .stdout.toString()
            .trim()
            .split('\n').length - 1;
        row.files = +spawnSync('sh', ['-c', `find ${dir} -type f | wc -l`]).stdout;
      }
      rows.push(row);
    }
    table('install size and --help time', rows, ['help_ms', 'du_MB', 'apparent_MB', 'packages', 'files']);
    out.tests.install = { rows };
    save();
  },
};
const file = opt(
  'out',
  path.join(import.meta.dirname, `results/${new Date().toISOString().replace(/[:.]/g, '-')}.json`),
);
fs.mkdirSync(path.dirname(file), { recursive: true });
function save() {
  fs.writeFileSync(file, JSON.stringify(out));
}
const t00 = now();
for (const d of dirs)
  for (const t of only) {
    const t0 = now();
    const l0 = os.loadavg()[0];
    await T[t](d);
    console.error(
      `-- ${t}/${d} ${((now() - t0) / 1000).toFixed(0)}s load ${l0.toFixed(2)}->${os.loadavg()[0].toFixed(2)}`,
    );
  }
await stop(httpBackend);
save();
console.log(`\nJSON: ${file}  (${((now() - t00) / 1000).toFixed(0)} s)`);
process.exit(0);
