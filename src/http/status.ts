import { createHash } from 'node:crypto';
import { maskArguments } from '../observability/arguments.js';
import { maskOf } from '../process/secrets.js';
import type { Server } from '../servers/server.js';
import type { ServerProcess } from '../servers/server-process.js';
import type { SessionRegistry } from '../sessions/registry.js';
import { VERSION } from '../version.js';

/** What `/status` is made of. */
export interface StatusSource {
  readonly servers: readonly Server[];
  readonly sessions: SessionRegistry;
  /** When a client's request last came, in milliseconds since 1970. */
  readonly lastActivity: () => number;
  readonly startedAt: number;
  /** Whether the proxy ends, and begins nothing new. */
  readonly stopping: boolean;
}

/** The answer of `/status`: the original's two fields, and the truth about every server. Times are ISO 8601. */
export function status(source: StatusSource): object {
  return {
    api_last_activity: iso(source.lastActivity()),
    server_instances: Object.fromEntries(
      source.servers.map((server) => [server.definition.name, stateOf(server)]),
    ),
    version: VERSION,
    started_at: iso(source.startedAt),
    stopping: source.stopping,
    servers: source.servers.map((server) => serverStatus(server, source.sessions)),
  };
}

function serverStatus(server: Server, registry: SessionRegistry): object {
  const { definition, pool } = server;
  const { lastExit, replaced } = pool.health;
  const mask = maskOf(definition);
  const sessions = registry.of(definition.name);
  const lastActivity = registry.lastActivity(definition.name);
  return {
    name: definition.name,
    state: stateOf(server),
    era: server.era ?? null,
    reason: pool.failure === undefined ? null : mask(pool.failure),
    definition: {
      command: mask(definition.command),
      args: maskArguments(definition.args).map(mask),
      env: Object.keys(definition.env),
      cwd: definition.cwd === undefined ? null : mask(definition.cwd),
      pass_environment: definition.passEnvironment,
      sharing: definition.sharing,
      upstream_era: definition.era,
      timeout: seconds(pool.limits.timeout),
    },
    limits: {
      max_timeout: seconds(pool.limits.maxTimeout),
      start_timeout: seconds(pool.limits.startTimeout),
      max_processes: pool.limits.maxProcesses,
      process_idle: seconds(pool.limits.processIdleMs),
      max_in_flight: pool.limits.maxInFlight,
      max_line: pool.limits.maxLine,
    },
    processes: pool.processes.map((process) => ({
      pid: process.child.pid ?? null,
      started_at: iso(process.child.startedAt),
      state: process.alive ? 'ready' : 'starting',
      era: process.era ?? null,
      protocol_version: shownVersionOf(server, process) ?? null,
      sharing: process.placement?.kind ?? 'unassigned',
      sessions: process.sessions,
      requests_in_flight: process.inFlight,
      stderr: process.child.stderrTail(),
    })),
    last_exit: lastExit
      ? {
          at: iso(lastExit.at),
          pid: lastExit.pid ?? null,
          exit_code: lastExit.exit.kind === 'exited' ? lastExit.exit.code : null,
          signal: lastExit.exit.kind === 'killed' ? lastExit.exit.signal : null,
          reason: lastExit.text,
          stderr: lastExit.stderr,
        }
      : null,
    sessions: sessions.map((session) => ({
      id: shownId(session.id),
      transport: session.transport,
      era: 'legacy',
      protocol_version: session.version() ?? null,
      client: session.client ?? null,
      opened_at: iso(session.openedAt),
      last_activity: iso(session.lastActivity),
    })),
    recent_clients: registry.recent(definition.name).map((recent) => ({
      era: 'modern',
      protocol_version: recent.version,
      client: recent.client,
      since: iso(recent.since),
      last_activity: iso(recent.lastActivity),
      requests: recent.requests,
    })),
    restarts: replaced,
    requests_in_flight: server.inFlight,
    parked_calls: server.parked,
    last_activity: lastActivity === undefined ? null : iso(lastActivity),
  };
}

/** A modern server agrees on no version: what it supports is shown, or else what its clients say. */
function shownVersionOf({ modernVersion }: Server, { era, version }: ServerProcess): string | undefined {
  return era === 'modern' ? (modernVersion ?? version) : version;
}

/** One that a client's request completes is started when somebody comes, and well until then. */
function stateOf({ definition, pool }: Server): string {
  return definition.templates === undefined ? pool.state : 'ready';
}

/** A session's id lets in whoever has it, so what is shown is a name that can't be turned back into it. */
function shownId(id: string): string {
  return createHash('sha256').update(id).digest('hex').slice(0, 12);
}

/** Null: no limit. */
function seconds(ms: number): number | null {
  return Number.isFinite(ms) ? ms / 1000 : null;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
