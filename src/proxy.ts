import { openAuthenticator } from './auth/authenticator.js';
import type { AuthOptions } from './auth/options.js';
import { clock } from './clock.js';
import type { ServerDefinition } from './config/definition.js';
import type { ServerLimits } from './config/limits.js';
import { headersIn } from './config/template.js';
import { endInOrder } from './ending.js';
import { Answering } from './http/answering.js';
import { basePathOf } from './http/base-path.js';
import { Bodies } from './http/body.js';
import { dispatch } from './http/dispatch.js';
import { Door } from './http/door.js';
import type { Endpoint } from './http/endpoint.js';
import { entrance } from './http/entrance.js';
import { refuseExposed } from './http/exposure.js';
import { HostGuard, ownUrls } from './http/host.js';
import { type Handler, Listener, type ListenerLimits } from './http/listener.js';
import { type Mount, Mounted } from './http/mounted.js';
import { OriginGuard } from './http/origin.js';
import { Pages } from './http/pages.js';
import { pathOf } from './http/router.js';
import { TlsFiles, type TlsOptions } from './http/tls.js';
import type { InspectOptions } from './http/traffic.js';
import type { Emit } from './observability/events.js';
import { Exchanges, type Observer } from './observability/exchanges.js';
import { hookOf, type MessageHook } from './observability/hooks.js';
import { MessageHeads } from './observability/message-heads.js';
import { Tally } from './observability/tally.js';
import { maskOf } from './process/secrets.js';
import { Server } from './servers/server.js';
import { Servers } from './servers/servers.js';
import { SessionRegistry } from './sessions/registry.js';
import { maxUnread } from './transports/backlog.js';
import type { StreamSettings } from './transports/event-stream.js';
import { Heartbeat } from './transports/heartbeat.js';

/** Times are in milliseconds; what is not set is the default. */
export interface ProxyLimits extends ServerLimits, ListenerLimits {
  readonly maxBody?: number | undefined;
  /** Octets that are kept of all bodies together whose end has not come; one of the largest always fits. */
  readonly maxUnfinished?: number | undefined;
  /** Of all servers together. */
  readonly maxSessions?: number | undefined;
  /** 0: for ever. */
  readonly sessionIdleMs?: number | undefined;
  /** How long what is under way may take to finish at the end, and to reach its clients. */
  readonly stopMs?: number | undefined;
  /** Silence after which a stream is fed. */
  readonly keepAliveMs?: number | undefined;
  /** How long a client for which much waits may take nothing. */
  readonly stallMs?: number | undefined;
  /** Octets that may wait for a client that does not read. */
  readonly maxUnread?: number | undefined;
}

export interface ProxyOptions {
  readonly host: string;
  /** 0: the system chooses a free one. */
  readonly port: number;
  /** The server at `/mcp` and `/sse`. */
  readonly defaultServer: ServerDefinition | undefined;
  /** The servers at `/servers/NAME/…`; their names are unique. */
  readonly namedServers: readonly ServerDefinition[];
  readonly allowOrigins: readonly string[];
  /** Host names, beside this machine's own, that clients may use where it listens on loopback; `*` is all. */
  readonly allowHosts: readonly string[];
  readonly exposeHeaders: readonly string[];
  /** Path prefix under which a reverse proxy shows this one; empty: none. */
  readonly basePath: string;
  readonly stateless: boolean;
  /** Milliseconds after which an open answer is polled for by clients of 2025-11-25; 0: never. */
  readonly pollAfter: number;
  /** By what clients show who they are; where there is nothing in it, nobody is asked. */
  readonly auth?: AuthOptions;
  /** It speaks HTTPS with these; else HTTP. */
  readonly tls?: TlsOptions | undefined;
  /** Lets it listen where others reach it, with nobody asked who they are. */
  readonly allowUnauthenticated?: boolean;
  /** What all messages go through. */
  readonly hook?: MessageHook | undefined;
  /** It does not listen: requests are handed over (`RunningProxy.handle`). Host and port say nothing then. */
  readonly mount?: Mount | undefined;
  /** Keeps the messages that passed last, for the page. */
  readonly inspect?: InspectOptions | undefined;
  /** Who else is to see what passes. */
  readonly observers?: readonly Observer[];
  /** Tells the head of every message, at `debug`. */
  readonly logHeads?: boolean;
  /** What its definition says of a server goes before what is said here for all. */
  readonly limits?: ProxyLimits;
}

export interface ListeningServer {
  readonly name: string;
  readonly mcp: string;
  readonly sse: string;
}

/** How the start of one server went. */
export interface StartOutcome {
  readonly name: string;
  readonly ok: boolean;
  /** Why it did not start; empty where it did. */
  readonly reason: string;
}

export interface RunningProxy {
  /** `http://host:port`, or with `https`, with the real port. */
  readonly url: string;
  readonly servers: readonly ListeningServer[];
  /** Answers a request that another server hands over; undefined where the proxy listens itself. */
  readonly handle: Handler | undefined;
  /** Settles once it is known of every server how its start went (`Pool.started`). */
  readonly started: Promise<readonly StartOutcome[]>;
  /** Ends in order: what is under way may finish, sessions end, then processes. Takes 5 s more than that at most. */
  close(): Promise<void>;
}

/**
 * Serves local stdio servers over HTTP+SSE and Streamable HTTP. Rejects, and has started nothing, where
 * it can't listen; with `ConfigError` where it would be open to everybody, or the keys cannot be used.
 */
export async function startProxy(options: ProxyOptions, emit: Emit): Promise<RunningProxy> {
  const { host, basePath, limits = {}, hook, mount } = options;
  const tls = options.tls && new TlsFiles(options.tls, emit);
  const scheme = tls === undefined ? 'http' : 'https';
  const hasCertificates = tls?.needsCertificate ?? false;
  const sessions = new SessionRegistry(limits);
  const authenticator = await openAuthenticator(options.auth ?? {}, {
    host,
    basePath,
    hasCertificates,
    clock,
    emit,
    onGone: (principal) => sessions.endOf(principal, 'the key of this client was taken back'),
  });
  if (authenticator === undefined && mount === undefined) refuseExposed(options);
  const door = new Door({ authenticator, clock, emit });
  const make = (definition: ServerDefinition): Server => new Server(definition, { clock, emit, ...limits });
  const servers = new Servers(options.defaultServer, options.namedServers, make);
  const streams: StreamSettings = {
    heartbeat: new Heartbeat(limits.keepAliveMs),
    maxUnread: limits.maxUnread ?? maxUnread(servers.configured.map(({ pool }) => pool.limits.maxLine)),
    stallMs: limits.stallMs,
  };
  const origins = new OriginGuard({
    allowOrigins: options.allowOrigins,
    exposeHeaders: options.exposeHeaders,
    requestHeaders: servers.configured.flatMap(({ definition }) => headersIn(definition.templates)),
  });
  const bodies = new Bodies(limits.maxBody, limits.maxUnfinished);
  const hosts = new HostGuard(options.host, options);
  const tally = new Tally((server, tool) => {
    const found = servers.configured.find(({ definition }) => definition.name === server);
    return found !== undefined && maskOf(found.definition)(tool) === tool;
  });
  const pages = new Pages({ auth: options.auth, hasCertificates, inspect: options.inspect, emit });
  const observers: readonly Observer[] = [
    tally,
    ...pages.observers,
    ...(options.logHeads ? [new MessageHeads(emit)] : []),
    ...(options.observers ?? []),
  ];
  let stopping = false;

  const endpointOf = (name: string | undefined, of: Server): Endpoint => ({
    server: of,
    modern: of,
    principal: undefined,
    sessions,
    emit,
    watch: (conversation, server) => {
      pages.begins(conversation, server);
      return new Exchanges(conversation, observers);
    },
    hook: hook && ((conversation) => hookOf(hook, conversation)),
    stateless: options.stateless,
    pollAfter: options.pollAfter,
    streams,
    bodies,
    stopping: () => stopping,
    messagesPath: (request) => basePathOf(options.basePath, request) + pathOf('messages', name),
  });
  const enter = dispatch({
    ...{ servers, endpointOf, sessions, pages, tally, emit },
    stopping: () => stopping,
  });
  const isOpen = authenticator !== undefined || (options.allowUnauthenticated ?? false);
  const handle = entrance(
    {
      ...{ hosts, origins, pages, mount, isOpen, door },
      tokens: authenticator?.tokens,
      health: () => ({
        servers: servers.configured,
        stopping,
        isOpen: authenticator === undefined && mount === undefined,
      }),
    },
    enter,
  );

  const answering = new Answering((status) => tally.answered(status));
  const mounted = mount && new Mounted(handle, emit, answering);
  const listener = mounted ?? new Listener(handle, emit, answering, tls, limits);
  const port = await listener.listen(options.host, options.port);
  const address = { scheme, host, port } as const;
  origins.listening(address);
  authenticator?.tokens?.resources.listening(ownUrls(address));
  const started = servers.start();

  const url = `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
  const listed = (name: string, server: string | undefined): ListeningServer => ({
    name,
    mcp: url + pathOf('mcp', server),
    sse: url + pathOf('sse', server),
  });

  return {
    url,
    handle: mounted && ((request, response) => mounted.handle(request, response)),
    servers: [
      ...(options.defaultServer ? [listed(options.defaultServer.name, undefined)] : []),
      ...[...servers.named.keys()].map((name) => listed(name, name)),
    ],
    started: Promise.all(
      started.map(async (one) => {
        const outcome = await one.pool.started;
        return { one, reason: outcome.ok ? '' : outcome.reason };
      }),
    ).then((outcomes) =>
      outcomes.map(({ one, reason }) => {
        // A client may have brought it up, while the start of another server was still waited for.
        const ok = reason === '' || one.pool.state === 'ready';
        return { name: one.definition.name, ok, reason: ok ? '' : reason };
      }),
    ),
    async close() {
      stopping = true;
      await endInOrder({ servers, sessions, listener, door, authenticator }, limits.stopMs);
    },
  };
}
