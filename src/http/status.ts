import type { IncomingMessage, ServerResponse } from 'node:http';
import { isKeptFrom } from '../auth/bound.js';
import { maskArguments } from '../observability/arguments.js';
import type { ServerStatus, Status } from '../page/live.js';
import { maskOf } from '../process/secrets.js';
import type { Server } from '../servers/server.js';
import type { ServerProcess } from '../servers/server-process.js';
import type { SessionRegistry } from '../sessions/registry.js';
import { VERSION } from '../version.js';
import { refuseUnlessRead } from './reply.js';

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

/**
 * The answer of `/status`: the original's two fields, and the truth about every server. Times are ISO 8601.
 *
 * @param asker who sees it, by id: nothing of what belongs to another; undefined where nobody is asked
 */
export function status(source: StatusSource, asker: string | undefined): Status {
  const shown = shownServers(source, asker);
  return {
    api_last_activity: iso(source.lastActivity()),
    server_instances: Object.fromEntries(shown.map((server) => [server.definition.name, stateOf(server)])),
    version: VERSION,
    started_at: iso(source.startedAt),
    stopping: source.stopping,
    servers: shown.map((server) => serverStatus(server, source.sessions, asker)),
  };
}

/** The servers in it. */
export function shownServers({ servers }: StatusSource, asker: string | undefined): Server[] {
  return servers.filter((server) => isShown(server, asker));
}

/** Answers a request for it; `asker` as above. */
export function answerStatus(
  source: StatusSource,
  request: IncomingMessage,
  response: ServerResponse,
  asker: string | undefined,
): void {
  if (refuseUnlessRead(request, response, '/status')) return;
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  // Whoever asks whether to send clients here is told no, before anything ends.
  response
    .writeHead(source.stopping ? 503 : 200, headers)
    .end(`${JSON.stringify(status(source, asker), null, 2)}\n`);
}

/** The server of some clients only is shown to those whose processes it has. */
function isShown({ definition, pool }: Server, asker: string | undefined): boolean {
  if (definition.filled === undefined || asker === undefined) return true;
  const owners = [
    ...pool.processes.map(({ placement }) => placement?.principal),
    pool.health.lastExitFor(asker)?.owner,
  ];
  return owners.some((owner) => owner !== undefined && !isKeptFrom(owner, asker));
}

function serverStatus(server: Server, registry: SessionRegistry, asker: string | undefined): ServerStatus {
  const { definition, pool } = server;
  const { replaced } = pool.health;
  const lastExit = pool.health.lastExitFor(asker);
  const failure = pool.failure === undefined ? undefined : pool.health.failureFor(asker);
  const mask = maskOf(definition);
  const sessions = registry.of(definition.name).filter(({ principal }) => !isKeptFrom(principal, asker));
  const recent = registry.recent(definition.name).filter(({ principal }) => !isKeptFrom(principal, asker));
  const processes = pool.processes.filter(({ placement }) => !isKeptFrom(placement?.principal, asker));
  const lastActivity = registry.lastActivity(definition.name);
  return {
    name: definition.name,
    state: stateOf(server),
    era: server.era ?? null,
    reason: failure === undefined ? null : mask(failure),
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
    processes: processes.map((process) => ({
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
      id: session.shownId,
      transport: session.transport,
      era: 'legacy',
      protocol_version: session.version() ?? null,
      client: session.client ?? null,
      opened_at: iso(session.openedAt),
      last_activity: iso(session.lastActivity),
      requests: session.exchanges?.requests ?? 0,
      requests_in_flight: session.exchanges?.open ?? 0,
      octets_received: session.exchanges?.received ?? 0,
      octets_sent: session.exchanges?.sent ?? 0,
    })),
    recent_clients: recent.map((one) => ({
      era: 'modern',
      protocol_version: one.version,
      client: one.client,
      since: iso(one.since),
      last_activity: iso(one.lastActivity),
      requests: one.requests,
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

/** Null: no limit. */
function seconds(ms: number): number | null {
  return Number.isFinite(ms) ? ms / 1000 : null;
}

function iso(time: number): string {
  return new Date(time).toISOString();
}
