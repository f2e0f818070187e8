/** What the clients of the soak do: who comes, what each asks, how it goes away; and the killing of servers. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { ModernClient, SseClient, StreamableClient } from './clients.mjs';

/** Requests that are under way at once at each server: the four have 32. */
const MAX_FLIGHT = 8;
/** Sessions that the proxy has at once. */
const MAX_SESSIONS = 200;
/** Processes of the server whose sessions have one each. */
const MAX_OWN = 20;
/** How often it is looked whether there is room, in milliseconds. */
const ROOM_MS = 20;
/** Calls that a client has open at once. */
const AT_ONCE = 3;
/** Sessions for which one client of 2026-07-28 comes. */
const SESSIONS_PER_MODERN = 4;

const VERSIONS = ['2025-03-26', '2025-06-18', '2025-11-25'];
const CUTS = ['at-once', 'half-sent', 'in-progress'];
/** What a client can be asked. */
const ASKABLE = { sampling: {} };

/** Server, transport, whether the client can be asked, and how many of a hundred sessions are of that sort. */
const SORTS = [
  { server: 'auto', transport: 'streamable', weight: 40 },
  { server: 'auto', transport: 'sse', weight: 12 },
  { server: 'shared', transport: 'streamable', weight: 18 },
  { server: 'shared', transport: 'sse', weight: 6 },
  { server: 'own', transport: 'streamable', capabilities: ASKABLE, weight: 8 },
  { server: 'own', transport: 'sse', capabilities: ASKABLE, weight: 2 },
  { server: 'modern', transport: 'streamable', weight: 8 },
  { server: 'modern', transport: 'streamable', capabilities: ASKABLE, weight: 4 },
  { server: 'modern', transport: 'sse', weight: 2 },
];
const MODERN_SORTS = [
  { server: 'auto', weight: 5 },
  { server: 'shared', weight: 2 },
  { server: 'own', capabilities: ASKABLE, weight: 1 },
  { server: 'modern', weight: 2 },
  { server: 'modern', capabilities: ASKABLE, weight: 2 },
];

/** The same numbers in each run with the same seed, from 0 to 1 (mulberry32). */
function dice(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Lets so many be under way; the others wait. */
class Flight {
  #free = MAX_FLIGHT;
  #waiting = [];

  take() {
    if (this.#free > 0) {
      this.#free--;
      return undefined;
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  give() {
    const next = this.#waiting.shift();
    if (next === undefined) this.#free++;
    else next();
  }
}

export class Load {
  /** Sessions and clients that came, by what became of them. */
  counts = {
    sessions: 0,
    ended: 0,
    abandoned: 0,
    notBegun: 0,
    modernClients: 0,
    kills: 0,
    bySort: {},
    byEnd: {},
  };
  #world;
  #targets;
  #watch;
  #pid;
  #roll;
  #running = new Set();
  /** Own processes that were asked for since `/status` was last seen. */
  #startedOwn = [];

  /**
   * @param ledger the accounts
   * @param targets `{ name, mcp, sse }` by name
   * @param watch what `/status` said last: `{ at, sessions, processes }`
   * @param pid the proxy's
   */
  constructor({ ledger, agent, idleMs, targets, watch, pid, seed }) {
    this.#world = { ledger, agent, idleMs };
    this.#targets = new Map(
      [...targets].map(([name, target]) => [name, { ...target, flight: new Flight() }]),
    );
    this.#watch = watch;
    this.#pid = pid;
    this.#roll = dice(seed);
  }

  /** Has so many sessions come in so many milliseconds, or in as many more as it takes. Settles when all have gone. */
  async run(sessions, ms) {
    const start = Date.now();
    for (let i = 0; i < sessions; i++) {
      const due = start + (i * ms) / sessions;
      if (Date.now() < due) await sleep(due - Date.now());
      const sort = this.#pick(SORTS);
      await this.#room(sort);
      this.#begin(this.#session(sort, i));
      if (i % SESSIONS_PER_MODERN === 0) this.#begin(this.#modern(this.#pick(MODERN_SORTS)));
    }
    await Promise.all(this.#running);
  }

  /** Kills a process of each server in turn, until the signal. */
  async kill(everyMs, signal) {
    for (let turn = 0; ; turn++) {
      await sleep(everyMs, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
      const server = [...this.#targets.keys()][turn % this.#targets.size];
      const pids = this.#watch.processes.filter(
        (process) => process.server === server && process.pid !== null,
      );
      const { pid } = pids[Math.floor(this.#roll() * pids.length)] ?? {};
      if (pid === undefined || !this.#isOurs(pid)) continue;
      this.#world.ledger.killed(server);
      process.kill(pid, 'SIGKILL');
      this.counts.kills++;
    }
  }

  /** It may have ended since, and its id been given to a stranger. */
  #isOurs(pid) {
    try {
      return readFileSync(`/proc/${pid}/status`, 'latin1').includes(`\nPPid:\t${this.#pid}\n`);
    } catch {
      return false;
    }
  }

  #begin(running) {
    this.#running.add(running);
    void running.finally(() => this.#running.delete(running));
  }

  /** Settles when there is room for another session. */
  async #room({ server }) {
    const isFull = () => {
      const { at, sessions, processes } = this.#watch;
      if (sessions >= MAX_SESSIONS || this.#running.size >= MAX_SESSIONS) return true;
      if (server !== 'own') return false;
      this.#startedOwn = this.#startedOwn.filter((since) => since > at);
      const there = processes.filter((process) => process.server === server).length;
      return there + this.#startedOwn.length >= MAX_OWN;
    };
    while (isFull()) await sleep(ROOM_MS);
    if (server === 'own') this.#startedOwn.push(Date.now());
  }

  #streamable(server, name, capabilities = {}) {
    return new StreamableClient(this.#world, this.#targets.get(server), name, capabilities);
  }

  async #session({ server, transport, capabilities = {} }, i) {
    this.counts.sessions++;
    const isAbandoned = i % 2 === 1;
    // Few names: those who are called the same share a process.
    const name = `${transport}-${i % 3}`;
    const version = this.#one(VERSIONS);
    const isSse = transport === 'sse';
    const client = isSse
      ? new SseClient(this.#world, this.#targets.get(server), name, capabilities)
      : this.#streamable(server, name, capabilities);
    tally(this.counts.bySort, `${server}, ${isSse ? 'HTTP+SSE' : 'Streamable HTTP'}`);
    const cut = isAbandoned ? this.#one(CUTS) : undefined;
    if (isAbandoned && !isSse && this.#chance(0.08)) {
      await client.open(version, this.#one(['at-once', 'half-sent']));
      this.#gone('abandoned', 'in initialize');
      return;
    }
    if (!(await client.open(version))) {
      this.#gone(isAbandoned ? 'abandoned' : 'notBegun', 'its server was killed in initialize');
      return;
    }
    const listens = !isSse && this.#chance(0.4);
    if (listens) void client.listen();
    const mayAsk = capabilities === ASKABLE;
    if (!(await this.#calls(client, { mayAsk, mayResume: !isSse }))) {
      client.cutStream?.();
      this.#gone('abandoned', 'it was slow itself');
      return;
    }
    if (!isAbandoned) {
      await client.close();
      this.#gone('ended', isSse ? 'closed its stream' : 'DELETE');
      return;
    }
    // HTTP+SSE has no other way to go than to cut the stream: here it is done in the middle of a call.
    if (!isSse && this.#chance(0.4)) {
      client.cutStream();
      this.#gone('abandoned', listens ? 'cut its stream' : 'said nothing any more');
      return;
    }
    await client.call({ steps: 1, hold: this.#chance(0.5), after: 500 }, cut);
    client.cutStream?.();
    this.#gone('abandoned', `a call ${cut}`);
  }

  /** Makes some calls, a few at a time. Returns false where the session has ended meanwhile. */
  async #calls(client, { mayAsk, mayResume }) {
    for (let left = 1 + Math.floor(this.#roll() * 5); left > 0; ) {
      const count = Math.min(left, 1 + Math.floor(this.#roll() * AT_ONCE));
      left -= count;
      const plans = Array.from({ length: count }, () => this.#plan(mayAsk, mayResume));
      const outcomes = await Promise.all(plans.map((plan) => client.call(plan)));
      if (outcomes.includes('expired') || outcomes.includes('lost')) return false;
    }
    return true;
  }

  #plan(mayAsk, mayResume) {
    const after = this.#chance(0.2) ? Math.floor(this.#roll() * 300) : 0;
    const steps = this.#chance(0.3) ? 2 : 0;
    const plan = { after, steps };
    if (mayAsk && this.#chance(0.4)) return { ...plan, ask: true };
    if (mayResume && this.#chance(0.1)) return { after: 100, steps: 2, resumes: true };
    return plan;
  }

  async #modern({ server, capabilities = {} }) {
    const number = this.counts.modernClients++;
    const client = new ModernClient(
      this.#world,
      this.#targets.get(server),
      `modern-${number % 3}`,
      capabilities,
    );
    await this.#calls(client, { mayAsk: capabilities === ASKABLE, mayResume: false });
    const end = this.#roll();
    // A process that may still be at work for who has gone is left alone: those who can be asked would fill the places.
    if (end < 0.3 && server !== 'own') await client.call({ steps: 1, hold: true }, this.#one(CUTS));
    else if (end < 0.5) await client.listenAndVanish();
  }

  #gone(what, how) {
    this.counts[what]++;
    tally(this.counts.byEnd, how);
  }

  #pick(sorts) {
    let at = this.#roll() * sorts.reduce((sum, { weight }) => sum + weight, 0);
    for (const sort of sorts) {
      at -= sort.weight;
      if (at < 0) return sort;
    }
    return sorts[0];
  }

  #one(list) {
    return list[Math.floor(this.#roll() * list.length)];
  }

  #chance(part) {
    return this.#roll() < part;
  }
}

function tally(counts, key) {
  counts[key] = (counts[key] ?? 0) + 1;
}
