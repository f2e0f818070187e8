import { ConfigError } from '../config/config-error.js';
import { toWire } from '../jsonrpc/wire.js';
import { type Emit, wordsOf } from '../observability/events.js';
import { beginTracing, SEND_MS } from '../observability/tracing.js';
import { type ProxyOptions, type RunningProxy, startProxy } from '../proxy.js';
import { type EndSignal, hasCome } from './signals.js';

/**
 * Server mode: runs until a signal ends it, or no server could be started. Returns the exit code. Rejects with
 * `ConfigError` where the options must not be used as they are.
 */
export async function serve(
  options: ProxyOptions,
  emit: Emit,
  writeError: (text: string) => void,
  signal: Promise<EndSignal>,
): Promise<number> {
  if (await hasCome(signal)) return 0;
  const tracing = await beginTracing(process.env, emit);
  let proxy: RunningProxy;
  try {
    const observers = tracing === undefined ? [] : [tracing.observer];
    proxy = await startProxy({ ...options, observers }, emit);
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    emit({ level: 'error', text: wordsOf(error) });
    return 1;
  }
  announce(proxy, emit, writeError);
  const failed = proxy.started.then((outcomes) => {
    const bad = outcomes.filter((outcome) => !outcome.ok);
    // Those that a client's request completes are not started yet, and none of them has failed.
    return bad.length > 0 && bad.length === proxy.servers.length ? bad : new Promise<never>(() => {});
  });
  const end = await Promise.race([signal, failed]);
  if (typeof end === 'string') emit({ level: 'info', text: `${end}: stopping` });
  else emit({ level: 'error', text: `no server could be started:\n${end.map(describe).join('\n')}` });
  await proxy.close();
  await tracing?.end(SEND_MS);
  return typeof end === 'string' ? 0 : 1;
}

function describe(outcome: { readonly name: string; readonly reason: string }): string {
  return `${outcome.name}: ${outcome.reason}`;
}

/** The one line for machines, at every log level, and the same for people. */
function announce(proxy: RunningProxy, emit: Emit, writeError: (text: string) => void): void {
  for (const { name, mcp, sse } of proxy.servers) {
    emit({ level: 'info', text: `serves ${mcp} (Streamable HTTP) and ${sse} (HTTP+SSE)`, server: name });
  }
  // ASCII: a name may have what some readers take for the end of a line.
  writeError(`${toWire({ event: 'listening', url: proxy.url, servers: proxy.servers })}\n`);
}
