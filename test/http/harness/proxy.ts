/** The proxy, in this process, with real child processes behind it. */
import { expect } from 'vitest';
import type { ServerDefinition } from '../../../src/config/definition.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { type ProxyOptions, type RunningProxy, startProxy } from '../../../src/proxy.js';
import { fixtureDefinition, isRunning } from '../../fixtures/processes.js';
import { exchange, type Sent } from './http.js';

export interface TestProxy extends RunningProxy {
  readonly events: readonly ProxyEvent[];
  /** What `/status` says. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
  status(): Promise<any>;
}

const DEFAULTS: ProxyOptions = {
  host: '127.0.0.1',
  port: 0,
  defaultServer: undefined,
  namedServers: [],
  allowOrigins: [],
  allowHosts: [],
  exposeHeaders: [],
  basePath: '',
  stateless: false,
  pollAfter: 0,
};

/** The definition of the fixture that a test drives by requests. */
export function puppet(more: Partial<ServerDefinition> = {}): ServerDefinition {
  return fixtureDefinition('http-puppet.mjs', {}, { name: 'default', ...more });
}

const running = new Set<TestProxy>();

/** @param headers what `/status` is asked with, where it is not for everybody; `tls` the same */
export async function start(
  options: Partial<ProxyOptions> = {},
  headers: Readonly<Record<string, string>> = {},
  tls: Sent['tls'] = {},
): Promise<TestProxy> {
  const events: ProxyEvent[] = [];
  const proxy = await startProxy({ ...DEFAULTS, defaultServer: puppet(), ...options }, (event) =>
    events.push(event),
  );
  const test: TestProxy = {
    ...proxy,
    events,
    status: async () => JSON.parse((await exchange(`${proxy.url}/status`, { headers, tls })).body),
    close: async () => {
      running.delete(test);
      await proxy.close();
    },
  };
  running.add(test);
  return test;
}

/** Ends what is left, and fails on a child that is still there then. */
export async function closeAll(): Promise<void> {
  for (const proxy of [...running]) {
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const servers: any[] = (await proxy.status()).servers;
    // biome-ignore lint/suspicious/noExplicitAny: as above
    const pids: number[] = servers.flatMap((server) => server.processes.map((one: any) => one.pid));
    await proxy.close();
    expect(pids.filter(isRunning)).toEqual([]);
  }
}

/** Looks until the condition holds: for what nobody tells of. */
export async function eventually<T>(look: () => Promise<T | undefined> | T | undefined): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
