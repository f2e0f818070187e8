import type { IncomingMessage, ServerResponse } from 'node:http';
import { type StartOutcome, startProxy } from '../proxy.js';
import { FetchServer } from './fetch-server.js';
import { emitOf, proxyOptions, type ServingOptions } from './options.js';

/** What is known of a request that is handed over. */
export interface HandOver {
  /**
   * Who asks, as your own authentication has found out: unique, and the same with every request. Sessions and processes
   * belong to them. Where it is not given, `auth` says who it is; without that too, only this machine itself is
   * answered, unless `allowUnauthenticated` is set.
   */
  readonly caller?: string;
}

/** A proxy without a port of its own. */
export interface ProxyHandler {
  /** For `node:http` and what is built on it: `/mcp`, `/sse`, `/messages/`, `/servers/…`, `/status`. Never throws. */
  handle(request: IncomingMessage, response: ServerResponse, about?: HandOver): void;
  /** The same for servers that speak `Request` and `Response`. A request that is aborted is given up. */
  fetch(request: Request, about?: HandOver): Promise<Response>;
  /** Settles once it is known of every server how its start went. Never rejects. */
  readonly started: Promise<readonly StartOutcome[]>;
  /** Ends in order, as `Proxy.close` does. */
  close(): Promise<void>;
}

/** A proxy for an HTTP server that you run. Rejects with `ConfigError` where the options must not be used as they are. */
export async function createHandler(options: ServingOptions): Promise<ProxyHandler> {
  const callers = new WeakMap<object, string>();
  const callerOf = (request: IncomingMessage): string | undefined =>
    callers.get(request) ?? callers.get(request.socket);
  const proxy = await startProxy(
    { ...proxyOptions(options), host: '127.0.0.1', port: 0, mount: { callerOf } },
    emitOf(options),
  );
  const { started, handle = (): void => undefined } = proxy;
  const server = new FetchServer(handle);
  return {
    started,
    handle(request, response, about = {}) {
      if (!isKnown(about)) {
        response.writeHead(500, TEXT).end(NO_CALLER);
        return;
      }
      if (about.caller !== undefined) callers.set(request, about.caller);
      handle(request, response);
    },
    async fetch(request, about = {}) {
      if (!isKnown(about)) return new Response(NO_CALLER, { status: 500, headers: TEXT });
      return server.fetch(request, (socket) => {
        if (about.caller !== undefined) callers.set(socket, about.caller);
      });
    },
    close: proxy.close,
  };
}

const TEXT = { 'content-type': 'text/plain; charset=utf-8' };
const NO_CALLER =
  'the server that this proxy is a part of must name its caller by a text that is not empty, or not at all\n';

/** Whatever JavaScript hands over: what names nobody must not be taken for somebody, whom all would be. */
function isKnown({ caller }: { readonly caller?: unknown }): boolean {
  return caller === undefined || (typeof caller === 'string' && caller !== '');
}
