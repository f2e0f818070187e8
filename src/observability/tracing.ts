import type { Emit } from './events.js';
import type { Observer } from './exchanges.js';

/** Spans of what passes, and their way to a collector. */
export interface Tracing {
  readonly observer: Observer;
  /** Sends what is left; waits for it for so many milliseconds at most. Never rejects. */
  end(ms: number): Promise<void>;
}

/** How long the last spans have to reach their collector, in milliseconds. */
export const SEND_MS = 2000;

type Environment = Readonly<Record<string, string | undefined>>;

/** Begins it where the variables of OpenTelemetry ask for it; nothing of it is loaded otherwise. */
export async function beginTracing(env: Environment, emit: Emit): Promise<Tracing | undefined> {
  if (!isWanted(env)) return undefined;
  const { openTraces } = await import('./traces.js');
  return openTraces(env, emit);
}

/** OpenTelemetry, "Environment Variable Specification". */
function isWanted(env: Environment): boolean {
  if (env.OTEL_SDK_DISABLED?.trim().toLowerCase() === 'true') return false;
  const exporters = env.OTEL_TRACES_EXPORTER?.split(',').map((name) => name.trim());
  if (exporters !== undefined && exporters.join('') !== '') return exporters.includes('otlp');
  return [env.OTEL_EXPORTER_OTLP_ENDPOINT, env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT].some(
    (endpoint) => endpoint !== undefined && endpoint.trim() !== '',
  );
}
