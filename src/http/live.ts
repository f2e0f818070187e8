import type { IncomingMessage, ServerResponse } from 'node:http';
import { isKeptFrom } from '../auth/bound.js';
import type { Principal } from '../auth/principal.js';
import { headersIn } from '../config/template.js';
import { META } from '../eras/meta-keys.js';
import { asRecord, textOf } from '../jsonrpc/message.js';
import { parseWire } from '../jsonrpc/wire.js';
import type { Offers } from '../observability/offers.js';
import type { Rates } from '../observability/rates.js';
import type { ClientName, Inspect, Live, More, ServerStatus } from '../page/live.js';
import { memoryOf } from '../process/memory.js';
import { maskOf } from '../process/secrets.js';
import type { Server } from '../servers/server.js';
import { refuseUnlessRead } from './reply.js';
import { pathOf } from './router.js';
import { type StatusSource, shownServers, status } from './status.js';

/** Sessions and processes of each server that the page is told of; of the clients without one, all that are kept. */
const MAX_SESSIONS = 100;
const MAX_PROCESSES = 50;
/** Characters of what a server calls itself. */
const MAX_NAME = 200;

/** What `/status` is made of, and which is the server of the command line: it has no name in its path. */
export interface LiveSource extends StatusSource {
  readonly default: Server | undefined;
}

/** What the page is told is made of. */
export interface PageSource extends LiveSource {
  readonly auth: Live['auth'];
  readonly inspect: Inspect;
  readonly rates: Rates;
  readonly offers: Offers;
}

/** What a request for it that is no GET is refused with. */
export const SHOWN = 'what the page shows';

/** The headers of what the page is told. */
export const HEADERS = {
  'content-type': 'application/json',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'cross-origin-resource-policy': 'same-origin',
};

/** Answers with what the page shows. */
export function answerLive(
  source: PageSource,
  request: IncomingMessage,
  response: ServerResponse,
  principal: Principal | undefined,
): void {
  if (refuseUnlessRead(request, response, SHOWN)) return;
  response.writeHead(200, HEADERS).end(JSON.stringify(live(source, principal)));
}

function live(source: PageSource, principal: Principal | undefined): Live {
  const asker = principal?.id;
  const whole = status(source, asker);
  return {
    status: { ...whole, servers: whole.servers.map(bounded) },
    now: new Date().toISOString(),
    auth: source.auth,
    asker: principal?.name ?? null,
    inspect: source.inspect,
    more: shownServers(source, asker).map((server, index) =>
      more(source, server, asker, whole.servers[index]),
    ),
  };
}

function bounded(server: ServerStatus): ServerStatus {
  return {
    ...server,
    sessions: server.sessions.slice(0, MAX_SESSIONS),
    processes: server.processes.slice(0, MAX_PROCESSES),
  };
}

function more(
  { rates, offers, default: own }: PageSource,
  server: Server,
  asker: string | undefined,
  shown: ServerStatus | undefined,
): More {
  const { definition } = server;
  const name = server === own ? undefined : definition.name;
  const mask = maskOf(definition);
  const masked = offers.of(definition.name, (owner) => !isKeptFrom(owner, asker));
  return {
    paths: { mcp: pathOf('mcp', name).slice(1), sse: pathOf('sse', name).slice(1) },
    headers: headersIn(definition.templates),
    info: infoOf(server, asker, mask),
    memory: memoryOfAll(shown),
    offers: masked.map((offer) => ({
      ...offer,
      items:
        offer.items?.map((item) => ({
          name: mask(item.name),
          title: mask(item.title),
          description: mask(item.description),
        })) ?? null,
    })),
    rates: rates.of(definition.name),
    leftOut: Math.max(0, (shown?.sessions.length ?? 0) - MAX_SESSIONS),
  };
}

function memoryOfAll(shown: ServerStatus | undefined): Record<string, number> {
  const pids = (shown?.processes ?? []).slice(0, MAX_PROCESSES).flatMap(({ pid }) => pid ?? []);
  const known = pids.map((pid) => [String(pid), memoryOf(pid)] as const);
  return Object.fromEntries(known.flatMap(([pid, octets]) => (octets === undefined ? [] : [[pid, octets]])));
}

/** What a server calls itself, by what one of its processes said in a handshake. */
function infoOf(
  { pool }: Server,
  asker: string | undefined,
  mask: (text: string) => string,
): ClientName | null {
  for (const { facts, placement } of pool.processes) {
    if (facts === undefined || isKeptFrom(placement?.principal, asker)) continue;
    const said = asRecord(parseWire(facts));
    const { name, version } = asRecord(said.serverInfo ?? asRecord(said._meta)[META.serverInfo]);
    if (typeof name !== 'string') continue;
    return { name: mask(name).slice(0, MAX_NAME), version: mask(textOf(version, '')).slice(0, MAX_NAME) };
  }
  return null;
}
