#!/usr/bin/env node
/**
 * Sessions that come and go, clients that vanish, servers that are killed, for as long as it is told to: then the
 * proxy must be back at what it was, and no answer lost, doubled or given to another. See ../README.md, "Soak".
 *
 *     node bench/soak/soak.mjs [--minutes 10] [--sessions 10000] [--kill-every 3] [--idle 10] [--seed 1] [--out FILE]
 *         [--log FILE]
 *
 * Exit code: 0, all came back; 1, not; 2, wrong usage, or it can't be measured here.
 */
import { spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:http';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { ALLOWED, notBack } from './came-back.mjs';
import { Ledger } from './ledger.mjs';
import { Load } from './load.mjs';
import { descendantsOf, descriptorsOf, heapOf, rssOf } from './measure.mjs';

/** How often the proxy is looked at, in milliseconds. */
const LOOK_MS = 250;
/** How long it may take to come back, beyond what its idle times explain, in milliseconds. */
const BACK_MS = 20_000;
/** Part of the sessions that come before the start is measured: then what is kept once for all is there. */
const WARM_UP = 0.05;
/** But not fewer, where there are four times as many. */
const MIN_WARM_UP = 100;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '10000' },
    'kill-every': { type: 'string', default: '3' },
    idle: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string' },
    log: { type: 'string' },
  },
});
const [minutes, sessions, killEvery, idle, seed] = ['minutes', 'sessions', 'kill-every', 'idle', 'seed'].map(
  (name) => Number(values[name]),
);
if (process.platform !== 'linux' || ![minutes, sessions, killEvery, idle].every((value) => value > 0)) {
  process.stderr.write('numbers above 0 are wanted, and Linux, which tells what a process uses\n');
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'soak-'));
const receivedFile = join(folder, 'received');
const heapFile = join(folder, 'heap.json');
writeFileSync(receivedFile, '');

/** The proxy, in front of a server of each sharing, and one of 2026-07-28. */
async function startProxy() {
  const definition = (more, env = {}) => ({
    command: process.execPath,
    args: [join(import.meta.dirname, 'server.mjs')],
    env: { RECEIVED: receivedFile, ...env },
    ...more,
  });
  const file = join(folder, 'servers.json');
  const mcpServers = {
    auto: definition({ sharing: 'auto' }),
    own: definition({ sharing: 'auto' }),
    shared: definition({ sharing: 'shared' }),
    modern: definition({}, { ERA: 'modern' }),
  };
  writeFileSync(file, JSON.stringify({ mcpServers }));
  const args = [
    '--expose-gc',
    '--require',
    join(import.meta.dirname, '../gc-hook.cjs'),
    join(import.meta.dirname, '../../bin/mcp-proxy.cjs'),
    ...[
      '--port',
      '0',
      '--named-server-config',
      file,
      '--log-level',
      values.log === undefined ? 'error' : 'debug',
    ],
    ...['--session-idle', String(idle), '--process-idle', String(idle)],
  ];
  const child = spawn(process.execPath, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, GC_OUT: heapFile },
  });
  const ended = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
  const lines = createInterface({ input: child.stderr });
  const tail = [];
  const listening = await new Promise((resolve, reject) => {
    void ended.then((how) => reject(new Error(`the proxy ended: ${how}\n${tail.join('\n')}`)));
    lines.on('line', (line) => {
      if (line.startsWith('{"event":"listening"')) resolve(JSON.parse(line));
      if (values.log !== undefined) appendFileSync(values.log, `${new Date().toISOString()} ${line}\n`);
      tail.push(line);
      tail.splice(0, tail.length - 20);
    });
  });
  const targets = new Map(listening.servers.map((server) => [server.name, server]));
  return { child, ended, tail, url: listening.url, targets };
}

const { child, ended, tail, url, targets } = await startProxy();
process.once('exit', () => {
  child.kill('SIGTERM');
  rmSync(folder, { recursive: true, force: true });
});
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1));
let isEnding = false;
void ended.then((how) => {
  if (isEnding) return;
  process.stderr.write(`the proxy ended: ${how}\n${tail.join('\n')}\n`);
  process.exit(1);
});

const ledger = new Ledger({ tell: (text) => void process.stderr.write(`${text}\n`) });
/** What was seen last. */
const watch = { at: 0, sessions: 0, inFlight: 0, parked: 0, processes: [] };
const peak = {};

/** Looks at the proxy, and keeps what is most. */
async function look() {
  const at = Date.now();
  const { servers } = await (await fetch(`${url}/status`, { headers: { connection: 'close' } })).json();
  const sum = (of) => servers.reduce((total, server) => total + of(server), 0);
  watch.at = at;
  watch.sessions = sum((server) => server.sessions.length);
  watch.inFlight = sum((server) => server.requests_in_flight);
  watch.parked = sum((server) => server.parked_calls);
  watch.processes = servers.flatMap(({ name, processes }) =>
    processes.map(({ pid, sharing }) => ({ server: name, pid, sharing })),
  );
  const seen = {
    rss: rssOf(child.pid),
    descriptors: descriptorsOf(child.pid),
    processes: descendantsOf(child.pid).length,
    sessions: watch.sessions,
    inFlight: watch.inFlight,
    parked: watch.parked,
  };
  for (const [name, value] of Object.entries(seen)) peak[name] = Math.max(peak[name] ?? 0, value);
  ledger.sweep();
  return seen;
}

const isQuiet = ({ sessions, inFlight, parked }) => sessions === 0 && inFlight === 0 && parked === 0;
/** Nobody is there, and nothing runs for anybody: processes that nobody uses end. */
const isRest = (seen) => isQuiet(seen) && seen.processes === 0;

/** Looks until the condition holds, or until the deadline. Returns what was seen last. */
async function until(deadline, condition) {
  for (;;) {
    const seen = await look();
    if (condition(seen) || Date.now() > deadline) return seen;
    await sleep(LOOK_MS);
  }
}

/**
 * Connections that are kept for the next request. The proxy closes one after 75 s; a client that is slow to hear it
 * could send on it just then, so they are closed long before.
 */
const newAgent = () => new Agent({ keepAlive: true, timeout: 10_000 });
let agent = newAgent();
const loadWith = (seed) =>
  new Load({ ledger, agent, idleMs: idle * 1000, targets, watch, pid: child.pid, seed });

/** Lets the proxy come to rest. Where nothing was left behind, that is the same state each time. */
async function rest(start) {
  const deadline = Date.now() + BACK_MS + 4000 * idle;
  agent.destroy();
  agent = newAgent();
  let seen = await until(deadline, isRest);
  // The clients' connections are closed by now, or soon.
  let before = start?.descriptors;
  seen = await until(deadline, (now) => {
    const isSame = now.descriptors === before;
    before = start?.descriptors ?? now.descriptors;
    return isSame;
  });
  const heap = Math.min(await heapOf(child.pid, heapFile), await heapOf(child.pid, heapFile));
  return { ...seen, rss: rssOf(child.pid), heap };
}

async function run(count, ms, seed) {
  const load = loadWith(seed);
  const killing = new AbortController();
  const looking = (async () => {
    for (; !killing.signal.aborted; await sleep(LOOK_MS)) await look();
  })();
  const kills = load.kill(killEvery * 1000, killing.signal);
  await load.run(count, ms);
  killing.abort();
  await Promise.all([looking, kills]);
  return load.counts;
}

const loadBefore = loadavg();
const warmUp = Math.ceil(Math.max(sessions * WARM_UP, Math.min(MIN_WARM_UP, sessions / 4)));
const ms = minutes * 60_000;
process.stderr.write(`warm-up with ${warmUp} sessions …\n`);
await run(warmUp, (ms * warmUp) / sessions, seed + 1);
const start = await rest();
if (!isRest(start)) {
  process.stderr.write(`FAILED: after the warm-up it did not come to rest: ${JSON.stringify(start)}\n`);
  process.exit(1);
}
for (const name of Object.keys(peak)) delete peak[name];
process.stderr.write(`${sessions} sessions in ${minutes} minutes …\n`);
const began = Date.now();
const clients = await run(sessions, ms, seed);
const seconds = Math.round((Date.now() - began) / 1000);
process.stderr.write('idle time …\n');
const after = await rest(start);
ledger.received(readFileSync(receivedFile, 'utf8').trim().split('\n'));

isEnding = true;
child.kill('SIGTERM');
const exitCode = await ended;
const failures = notBack(start, after);
if (failures.length > 0) failures.push(`processes then: ${JSON.stringify(watch.processes)}`);
if (exitCode !== 0) failures.push(`the proxy ended with ${exitCode}`);
if (ledger.faults > 0) failures.push(...ledger.told);

const UNITS = { rss: 1024 * 1024, heap: 1024 * 1024 };
const NAMES = {
  rss: 'resident memory, MiB',
  heap: 'live heap, MiB',
  descriptors: 'file descriptors',
  processes: 'processes',
  sessions: 'sessions',
  inFlight: 'requests in flight',
  parked: 'parked calls',
};
const shown = (name, value) =>
  value === undefined ? '–' : name in UNITS ? (value / UNITS[name]).toFixed(1) : String(value);
const rows = Object.entries(NAMES).map(([name, label]) => [
  label,
  shown(name, start[name]),
  shown(name, peak[name]),
  shown(name, after[name]),
  shown(name, ALLOWED[name](start[name])),
]);
const result = {
  ok: failures.length === 0,
  failures,
  seconds,
  machine: { loadBefore, loadAfter: loadavg() },
  start,
  peak,
  after,
  clients,
  requests: ledger.counts,
};
const table = [['', 'start', 'peak', 'after idle time', 'allowed'], ...rows];
const text = table.map(
  ([label, ...cells]) => label.padEnd(22) + cells.map((cell) => cell.padStart(16)).join(''),
);
process.stdout.write(`${text.join('\n')}\n\n${JSON.stringify(result, null, 1)}\n`);
if (values.out !== undefined) writeFileSync(values.out, JSON.stringify(result));
for (const failure of failures) process.stderr.write(`FAILED: ${failure}\n`);
process.exit(failures.length === 0 ? 0 : 1);
