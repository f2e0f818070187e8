import { delimiter } from 'node:path';
import { clock } from '../clock.js';
import type { ServerDefinition } from '../config/definition.js';
import { limitsOf, type ServerLimits } from '../config/limits.js';
import { makeRequest } from '../jsonrpc/make.js';
import { asRecord } from '../jsonrpc/message.js';
import type { Emit } from '../observability/events.js';
import type { ChildExit } from '../process/child-exit.js';
import { findCommand } from '../process/command.js';
import { childEnvironment } from '../process/environment.js';
import { maskOf } from '../process/secrets.js';
import { NEWEST_LEGACY_VERSION } from '../relay/handshake.js';
import type { Link } from '../relay/link.js';
import { NoLink, pendingLink } from '../relay/pending.js';
import { Server } from '../servers/server.js';
import { noiseIn } from '../transports/stdio/noise.js';
import { OWN_INFO } from '../version.js';
import { findingOfCommand, type SeenCommand } from './command-finding.js';
import { Conversation, type Outcome } from './conversation.js';
import { type Offer, offerOf } from './offer.js';
import type { ServerReport } from './report.js';
import { shown, shownName } from './shown.js';
import { addressIn } from './traces.js';

/** How long a server has to answer its handshake where nothing is said, in milliseconds: a person waits for it. */
const START_MS = 30_000;
/**
 * After so long a server that says where it listens over HTTP is taken for one that does not speak stdio, in
 * milliseconds.
 */
const ADDRESS_MS = 10_000;
/** How often is looked whether it has said that, in milliseconds. */
const LOOK_MS = 250;
/** Lines of stderr in the report. */
const STDERR_LINES = 20;

export interface CheckOptions {
  readonly emit: Emit;
  /** What is set for all servers. */
  readonly limits: ServerLimits;
  /** Ends the check early. */
  readonly signal: AbortSignal;
}

/**
 * Starts a server as the proxy does, meets it as the first client that comes, asks what it offers, and ends it in the
 * proxy's order. Never rejects for anything that a server does.
 */
export async function checkCommand(
  definition: ServerDefinition,
  options: CheckOptions,
): Promise<ServerReport> {
  const found = findCommand(definition);
  const mask = maskOf(definition);
  const about = { name: definition.name, target: shown(found ?? definition.command, mask) };
  if (definition.templates !== undefined) {
    const reason =
      'It is started for each request that brings its values, and cannot be checked without one.';
    return { ...about, verdict: 'skipped', reason, remedy: '', notes: [] };
  }
  let noise: string | undefined;
  const emit: Emit = (event) => {
    noise ??= noiseIn(event.text);
    options.emit(event);
  };
  const server = new Server(definition, { clock, emit, ...options.limits });
  const begunAt = performance.now();
  const deadline = begunAt + startLimit(definition, options.limits);
  server.start();
  try {
    const met = await meet(server, { begunAt, deadline, signal: options.signal, noise: () => noise });
    const { outcome, ms } = met;
    const answer = outcome.kind === 'answered' ? outcome.result : undefined;
    const offer = answer && (await offered(met.conversation, answer, mask, options.signal));
    const stderr = stderrOf(server).map((line) => shown(line, mask));
    const exit = server.pool.health.lastExit?.exit;
    const seen: SeenCommand = {
      command: shown(definition.command, mask),
      found,
      path: shown((childEnvironment(definition).PATH ?? '').split(delimiter).join(', '), mask),
      handshake: handshakeOf(outcome, exit),
      refusal: outcome.kind === 'refused' ? shown(outcome.text, mask) : '',
      waitedMs: ms,
      exit,
      stderr,
      noise: noise === undefined ? undefined : shown(noise, mask),
      faults: offer?.faults ?? [],
      passEnvironment: definition.passEnvironment,
      has: (variable) => process.env[variable] !== undefined,
    };
    const finding = findingOfCommand(seen);
    return {
      ...about,
      ...finding,
      transport: 'stdio',
      era: server.era,
      ...(answer === undefined ? {} : facts(answer, server, mask)),
      ...(answer === undefined ? {} : { startMs: Math.round(ms) }),
      ...listsOf(offer),
      exit: exit && shownExit(exit),
      stderr: finding.verdict === 'ok' ? undefined : stderr.slice(-STDERR_LINES),
    };
  } finally {
    await server.stop('the check is over');
  }
}

/** Until the check is ended. */
async function offered(
  conversation: Conversation,
  { capabilities }: Readonly<Record<string, unknown>>,
  mask: (text: string) => string,
  signal: AbortSignal,
): Promise<Offer> {
  const end = (): void => conversation.end('the check was ended');
  signal.addEventListener('abort', end, { once: true });
  try {
    if (signal.aborted) end();
    return await offerOf(conversation, asRecord(capabilities), mask);
  } finally {
    signal.removeEventListener('abort', end);
  }
}

/** The lists alone. */
export function listsOf(offer: Offer | undefined): Omit<Offer, 'faults'> | undefined {
  if (offer === undefined) return undefined;
  const { faults: _, ...lists } = offer;
  return lists;
}

/** What `initialize` is sent with: the proxy's own name, and nothing that a server could ask. */
export const INITIALIZE = {
  protocolVersion: NEWEST_LEGACY_VERSION,
  capabilities: {},
  clientInfo: OWN_INFO,
} as const;

function startLimit(definition: ServerDefinition, common: ServerLimits): number {
  const isSet = definition.startTimeout ?? common.startTimeout;
  return isSet === undefined ? START_MS : limitsOf(definition, common).startTimeout;
}

interface Meeting {
  readonly begunAt: number;
  readonly deadline: number;
  readonly signal: AbortSignal;
  readonly noise: () => string | undefined;
}

interface Met {
  readonly conversation: Conversation;
  readonly outcome: Outcome;
  /** Until that outcome, in milliseconds. */
  readonly ms: number;
}

/** The handshake, as a client of the legacy era has it with a server of either. */
async function meet(server: Server, meeting: Meeting): Promise<Met> {
  const { begunAt, deadline } = meeting;
  const left = (): number => Math.max(0, deadline - performance.now());
  const patience = new Patience(server, meeting);
  try {
    await Promise.race([server.known(), patience.over]);
    const conversation = new Conversation(openOf(server));
    const answer = conversation.ask('initialize', INITIALIZE, left());
    const outcome = await Promise.race([answer, patience.over.then((): Outcome => ({ kind: 'late' }))]);
    if (outcome.kind === 'answered') conversation.tell('notifications/initialized');
    return { conversation, outcome, ms: performance.now() - begunAt };
  } finally {
    patience.end();
  }
}

/** How long there is any use in waiting for a server's first answer. */
class Patience {
  /** Settles when there is none any more. */
  readonly over: Promise<void>;
  readonly #deadline: NodeJS.Timeout;
  readonly #looking: NodeJS.Timeout;
  readonly #signal: AbortSignal;
  #stop: () => void = () => undefined;

  constructor(server: Server, { begunAt, deadline, signal, noise }: Meeting) {
    this.over = new Promise((resolve) => {
      this.#stop = resolve;
    });
    this.#signal = signal;
    this.#deadline = setTimeout(this.#stop, Math.max(0, deadline - performance.now()));
    this.#looking = setInterval(() => {
      const isLong = performance.now() - begunAt >= ADDRESS_MS;
      if (isLong && addressIn([noise() ?? '', ...stderrOf(server)]) !== undefined) this.#stop();
    }, LOOK_MS);
    signal.addEventListener('abort', this.#stop, { once: true });
    if (signal.aborted) this.#stop();
  }

  end(): void {
    clearTimeout(this.#deadline);
    clearInterval(this.#looking);
    this.#signal.removeEventListener('abort', this.#stop);
  }
}

/** Where the last process has just ended, that is the outcome: another would end as well. */
function openOf(server: Server): Link {
  const { health, processes } = server.pool;
  const { lastExit } = health;
  if (processes.length === 0 && lastExit !== undefined) return noLink(new NoLink(lastExit.text));
  try {
    return server.open(makeRequest('1', 'initialize', INITIALIZE));
  } catch (error) {
    return noLink(error); // there is no place for a process
  }
}

function noLink(error: unknown): Link {
  return pendingLink(Promise.reject(error), () => undefined);
}

/** `refused` and `ended` look alike to a client: both are errors. */
function handshakeOf(outcome: Outcome, exit: ChildExit | undefined): SeenCommand['handshake'] {
  if (outcome.kind === 'late') return 'silent';
  return outcome.kind === 'refused' && exit !== undefined ? 'ended' : outcome.kind;
}

function stderrOf({ pool }: Server): readonly string[] {
  const { lastExit } = pool.health;
  const tails = [lastExit?.stderr ?? [], ...pool.processes.map(({ child }) => child.stderrTail())];
  // A process that was asked what it speaks and another in its place say the same.
  return tails.reduce((longest, tail) => (tail.length > longest.length ? tail : longest));
}

function shownExit(exit: ChildExit): ServerReport['exit'] {
  switch (exit.kind) {
    case 'unspawnable':
      return undefined;
    case 'exited':
      return { code: exit.code };
    case 'killed':
      return { signal: exit.signal };
  }
}

/** What the server said of itself. */
function facts(
  { protocolVersion, serverInfo }: Readonly<Record<string, unknown>>,
  server: Server,
  mask: (text: string) => string,
): Pick<ServerReport, 'protocolVersion' | 'serverInfo'> {
  const version = server.era === 'modern' ? (server.modernVersion ?? protocolVersion) : protocolVersion;
  return { protocolVersion: shownName(version, mask), serverInfo: infoOf(serverInfo, mask) };
}

export function infoOf(serverInfo: unknown, mask: (text: string) => string): ServerReport['serverInfo'] {
  const { name, version } = asRecord(serverInfo);
  return { name: shownName(name, mask), version: shownName(version, mask) };
}
