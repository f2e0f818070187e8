/** A server definition with real processes behind it, and clients of both eras that the test plays. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { ServerDefinition } from '../../../src/config/definition.js';
import { readEnvelope } from '../../../src/eras/envelope.js';
import { META } from '../../../src/eras/meta-keys.js';
import type { Message } from '../../../src/jsonrpc/message.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import type { Clock } from '../../../src/relay/clock.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import type { PoolOptions } from '../../../src/servers/pool.js';
import { Server } from '../../../src/servers/server.js';
import { fixtureDefinition, isRunning } from '../../fixtures/processes.js';
import { wire } from '../remote/fixture.js';

const realClock: Clock = {
  now: () => performance.now(),
  after: (ms, action) => {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

export interface Staged {
  readonly server: Server;
  readonly events: readonly ProxyEvent[];
  /** What was told of this level or above, as one text. */
  told(level: 'info' | 'warning' | 'error'): string;
  /** The ids of all processes that were ever started. */
  starts(): number[];
}

const cleaning: (() => Promise<void>)[] = [];

/** Ends what a test has started, and fails where a process is left. */
export async function cleanUp(): Promise<void> {
  for (const clean of cleaning.splice(0)) await clean();
}

export function stage(
  fixture: string,
  env: Readonly<Record<string, string>> = {},
  definition: Partial<ServerDefinition> = {},
  options: Partial<PoolOptions> = {},
): Staged {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
  const file = join(directory, 'starts');
  const events: ProxyEvent[] = [];
  const server = new Server(
    fixtureDefinition(fixture, { ...env, STARTS_FILE: file }, { era: 'auto', ...definition }),
    { clock: realClock, emit: (event) => events.push(event), ...options },
  );
  const starts = (): number[] => {
    try {
      return readFileSync(file, 'utf8').trim().split('\n').map(Number);
    } catch {
      return []; // none yet
    }
  };
  cleaning.push(async () => {
    const pids = server.pool.processes.map(({ child }) => child.pid ?? 0);
    await server.stop('the test is over');
    expect([...pids, ...starts()].filter((pid) => pid > 0 && isRunning(pid))).toEqual([]);
    rmSync(directory, { recursive: true });
  });
  const LEVELS = { info: ['info', 'warning', 'error'], warning: ['warning', 'error'], error: ['error'] };
  const told: Staged['told'] = (level) =>
    events
      .filter((event) => LEVELS[level].includes(event.level))
      .map(({ text }) => text)
      .join('\n');
  return { server, events, told, starts };
}

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
type Got = any;

/** One end of a link, message by message. */
export class Peer {
  readonly got: Got[] = [];
  readonly closings: CloseReason[] = [];
  readonly link: Link;
  #look: () => void = () => undefined;

  constructor(link: Link) {
    this.link = link;
    link.listen({
      message: ({ text }) => {
        this.got.push(JSON.parse(Buffer.from(text, 'latin1').toString()));
        this.#look();
      },
      closed: (reason) => {
        this.closings.push(reason);
        this.#look();
      },
    });
  }

  says(message: object): void {
    this.link.send(wire({ jsonrpc: '2.0', ...message }));
  }

  /** Settles with the first message that fits; fails where the link ends before. */
  async until(fits: (got: Got) => boolean): Promise<Got> {
    for (;;) {
      const found = this.got.find(fits);
      if (found !== undefined) return found;
      if (this.closings.length > 0) throw new Error(`closed: ${this.closings[0]?.text}`);
      await new Promise<void>((resolve) => {
        const before = this.#look;
        this.#look = () => {
          before();
          resolve();
        };
      });
    }
  }

  /** Settles with the answer. */
  asks(id: number, method: string, params?: object): Promise<Got> {
    this.says({ id, method, ...(params === undefined ? {} : { params }) });
    return this.answer(id);
  }

  answer(id: number): Promise<Got> {
    return this.until((got) => got.id === id && got.method === undefined);
  }

  leaves(): void {
    this.link.close({ kind: 'ended', text: 'the client has gone' });
  }
}

export function initialize(capabilities: object = {}, name = 'test'): Message {
  const clientInfo = { name, version: '1' };
  const params = { protocolVersion: '2025-11-25', capabilities, clientInfo };
  return wire({ jsonrpc: '2.0', id: 0, method: 'initialize', params });
}

/** A client of the legacy era that has sent `initialize`, as a session does. */
export async function legacyClient(server: Server, capabilities: object = {}, name?: string): Promise<Peer> {
  await server.known();
  const message = initialize(capabilities, name);
  const peer = new Peer(server.open(message));
  peer.link.send(message);
  return peer;
}

/** The same past its handshake. Fails where that is refused. */
export async function legacySession(server: Server, capabilities: object = {}, name?: string): Promise<Peer> {
  const peer = await legacyClient(server, capabilities, name);
  const { error } = await peer.answer(0);
  if (error) throw new Error(error.message);
  peer.says({ method: 'notifications/initialized' });
  return peer;
}

export interface Client {
  readonly name?: string;
  readonly capabilities?: object;
  readonly logLevel?: string;
}

/** A request of a client of the modern era, as it comes over HTTP: with a link of its own, sent on it. */
export async function modernRequest(
  server: Server,
  method: string,
  params: object = {},
  { name = 'test', capabilities = {}, logLevel }: Client = {},
): Promise<Peer> {
  const _meta = {
    progressToken: 'p',
    [META.version]: '2026-07-28',
    [META.clientInfo]: { name, version: '1' },
    [META.capabilities]: capabilities,
    ...(logLevel === undefined ? {} : { [META.logLevel]: logLevel }),
  };
  const request = wire({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
  const envelope = readEnvelope(request);
  if (typeof envelope === 'string') throw new Error(envelope);
  await server.known();
  const peer = new Peer(server.openModern(request, envelope));
  peer.link.send(request);
  return peer;
}

/** The same with its answer; the link is closed then, as over HTTP. */
export async function modernAnswer(
  server: Server,
  method: string,
  params: object = {},
  client: Client = {},
): Promise<Got> {
  const peer = await modernRequest(server, method, params, client);
  const answer = await peer.answer(1);
  peer.leaves();
  return answer;
}

/** Looks until the condition holds: for what nobody tells of. */
export async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
}
