// node bench/growth.mjs [--sessions 1,10,100,1000,5000] [--processes 1,10,50,200] [--servers 1,10,100] [--svg FILE]
// How cost grows: CPU per call and memory with so many sessions open on one shared process, each with its stream;
// with so many processes, one for each session; and start and memory with so many named servers. Ratios are to the
// first row of the same table. Prints tables, and draws CPU per call and memory per session as SVG.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { BACKENDS, contenders } from './contenders.mjs';
import { cpuNs, mem, now, Runner, sleep, textOf } from './lib.mjs';

const a = process.argv.slice(2);
const opt = (k, d) => (a.includes('--' + k) ? a[a.indexOf('--' + k) + 1] : d);
const counts = (k, d) => opt(k, d).split(',').filter(Boolean).map(Number);
const ours = contenders.find((c) => c.name === 'ours');
const owned = contenders.find((c) => c.name === 'ours-session');
const WARM = 6000,
  CALLS = 6000,
  IN_FLIGHT = 32;

// 32 in flight, each call from the next session in turn
async function calls(sessions, n) {
  let left = n,
    at = 0;
  await Promise.all(
    Array.from({ length: IN_FLIGHT }, async () => {
      while (left-- > 0) await sessions[at++ % sessions.length].call(textOf(100));
    }),
  );
  const bad = sessions.filter((s) => s.stats.wrong + s.stats.lost + s.stats.error > 0);
  if (bad.length) throw new Error(`${bad.length} sessions: ${bad[0].lastError}`);
}

async function grow(c, wanted, backend) {
  const r = new Runner(c, { backend });
  await r.start();
  const first = await r.open();
  await calls([first], WARM);
  await sleep(500);
  const before = mem(r.proc.pid).rss;
  const sessions = [first],
    rows = [];
  for (const n of wanted) {
    while (sessions.length < n) {
      const more = Math.min(16, n - sessions.length);
      sessions.push(
        ...(await Promise.all(
          Array.from({ length: more }, async () => {
            const s = await r.open();
            await s.openStream();
            return s;
          }),
        )),
      );
    }
    await calls(sessions, 2000);
    await sleep(500);
    const c0 = cpuNs(r.proc.pid),
      t0 = now();
    await calls(sessions, CALLS);
    const cpu = (cpuNs(r.proc.pid) - c0) / 1e3 / CALLS,
      rps = CALLS / ((now() - t0) / 1000);
    const { rss, kids } = mem(r.proc.pid);
    rows.push({ n, cpu, rps, rss, kb: n > 1 ? ((rss - before) * 1024) / n : NaN, kids });
    console.error(JSON.stringify(rows.at(-1)));
  }
  await r.stop();
  return rows;
}

async function named(wanted) {
  const rows = [];
  for (const n of wanted) {
    const file = path.join(os.tmpdir(), `mcp-proxy-growth-${process.pid}.json`);
    const [command, ...args] = BACKENDS.echo;
    const mcpServers = Object.fromEntries(Array.from({ length: n }, (_, i) => [`s${i}`, { command, args }]));
    fs.writeFileSync(file, JSON.stringify({ mcpServers }));
    const base = ours.spawn({ port: 0, backend: ['x'] });
    const c = {
      ...ours,
      path: `/servers/s${n - 1}/mcp`,
      spawn: ({ port }) => [
        ...base.slice(0, base.indexOf('--port')),
        '--port',
        String(port),
        '--named-server-config',
        file,
      ],
    };
    const r = new Runner(c, {});
    await r.start();
    await sleep(1500);
    rows.push({ n, ready: r.ready, rss: mem(r.proc.pid).rss, kids: mem(r.proc.pid).kids });
    console.error(JSON.stringify(rows.at(-1)));
    await r.stop();
    fs.rmSync(file);
  }
  return rows;
}

function table(title, rows, cols) {
  console.log(`\n## ${title}\n\n| ${cols.join(' | ')} |\n|${cols.map(() => '---').join('|')}|`);
  const first = rows[0];
  const cell = (r, k) => (k.endsWith('_x') ? r[k.slice(0, -2)] / first[k.slice(0, -2)] : r[k]);
  const show = (x) => (Number.isNaN(x) ? '–' : Number.isInteger(x) ? String(x) : x.toFixed(x < 10 ? 2 : 0));
  for (const r of rows) console.log(`| ${cols.map((k) => show(cell(r, k))).join(' | ')} |`);
}

// One line per series over the number of sessions, both axes logarithmic from the smallest value down to a tenth of it
function plot(file, series) {
  const W = 640,
    H = 320,
    M = 56;
  const all = series.flatMap((s) => s.rows.map((r) => ({ x: r.n, y: r[s.key] })).filter((p) => p.y > 0));
  const log = Math.log10;
  const x1 = Math.max(1, log(Math.max(...all.map((p) => p.x)))),
    y0 = Math.floor(log(Math.min(...all.map((p) => p.y)))),
    y1 = Math.ceil(log(Math.max(...all.map((p) => p.y))));
  const X = (v) => M + (log(v) / x1) * (W - 2 * M),
    Y = (v) => H - M - ((log(v) - y0) / (y1 - y0)) * (H - 2 * M);
  const ticks = [];
  for (let e = 0; e <= x1; e++)
    ticks.push(`<text x="${X(10 ** e)}" y="${H - M + 18}" text-anchor="middle">${10 ** e}</text>`);
  for (let e = y0; e <= y1; e++)
    ticks.push(
      `<line x1="${M}" x2="${W - M}" y1="${Y(10 ** e)}" y2="${Y(10 ** e)}" stroke="#ccc"/><text x="${M - 6}" y="${Y(10 ** e) + 4}" text-anchor="end">${10 ** e}</text>`,
    );
  const lines = series.map((s, i) => {
    const p = s.rows.filter((r) => r[s.key] > 0).map((r) => `${X(r.n).toFixed(1)},${Y(r[s.key]).toFixed(1)}`);
    return `<polyline fill="none" stroke="${s.color}" stroke-width="2" points="${p.join(' ')}"/><text x="${M + 8}" y="${M - 30 + 16 * i}" fill="${s.color}">${s.name}</text>`;
  });
  fs.writeFileSync(
    file,
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${H}" font-family="sans-serif" font-size="12"><rect width="${W}" height="${H}" fill="#fff"/>${ticks.join('')}${lines.join('')}<text x="${W / 2}" y="${H - 12}" text-anchor="middle">open sessions</text></svg>\n`,
  );
}

const shared = await grow(ours, counts('sessions', '1,10,100,1000,5000'), BACKENDS.echo);
const processes = await grow(
  owned,
  counts('processes', '1,10,50,200'),
  BACKENDS[fs.existsSync(BACKENDS.light[0]) ? 'light' : 'echo'],
);
const servers = await named(counts('servers', '1,10,100'));
table(
  'sessions on one shared process (each with its stream; CPU in us/call, memory in MB, kB per session)',
  shared,
  ['n', 'cpu', 'cpu_x', 'rps', 'rss', 'kb'],
);
table('processes, one for each session', processes, ['n', 'cpu', 'cpu_x', 'rps', 'rss', 'kb']);
table('named servers (ms to the first answer, MB)', servers, ['n', 'ready', 'ready_x', 'rss', 'kids']);
const svg = opt('svg');
if (svg)
  plot(svg, [
    { name: 'CPU per call, us (one shared process)', key: 'cpu', rows: shared, color: '#2563eb' },
    { name: 'memory, kB per session (one shared process)', key: 'kb', rows: shared, color: '#dc2626' },
    { name: 'CPU per call, us (a process each)', key: 'cpu', rows: processes, color: '#16a34a' },
  ]);
process.exit();
