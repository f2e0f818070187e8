import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { Counter, Gauge, Histogram as PromHistogram, Registry, type RegistryContentType } from 'prom-client';
import { BOUNDS, type Histogram } from '../observability/histogram.js';
import type { Kind, ServerTally, Tally } from '../observability/tally.js';
import type { Server } from '../servers/server.js';
import type { SessionRegistry } from '../sessions/registry.js';
import { VERSION } from '../version.js';

/** What the metrics are made of. */
export interface MetricsSource {
  /** Those that whoever asks may use; the servers of single clients are counted with the definition that they are of. */
  readonly servers: readonly Server[];
  readonly sessions: SessionRegistry;
  readonly tally: Tally;
}

type Labels = Readonly<Record<string, string>>;
type Sample = readonly [labels: Labels, value: number];
type Row = readonly [labels: Labels, durations: Histogram];

/** All clients come over HTTP (OpenTelemetry, `network.transport`). */
const TCP = { network_transport: 'tcp' };

interface Described {
  readonly name: string;
  readonly help: string;
}

/** What `prom-client` writes of durations that were counted before it was loaded. */
class CountedHistogram extends PromHistogram {
  readonly #described: Described;
  readonly #rows: readonly Row[];

  constructor({ name, help }: Described, rows: readonly Row[], registers: Registry<RegistryContentType>[]) {
    super({ name, help, registers });
    this.#described = { name, help };
    this.#rows = rows;
  }

  /** What the registry asks a histogram for. */
  getForPromString(): object {
    const { name } = this.#described;
    const values = this.#rows.flatMap(([labels, { counts, sum }]) => {
      let below = 0;
      const buckets = Array.from(counts, (count, at) => {
        below += count;
        return {
          metricName: `${name}_bucket`,
          labels: { ...labels, le: BOUNDS[at] ?? '+Inf' },
          value: below,
        };
      });
      const total = { metricName: `${name}_count`, labels, value: below };
      return [...buckets, { metricName: `${name}_sum`, labels, value: sum }, total];
    });
    return { ...this.#described, type: 'histogram', values };
  }
}

/** The metrics in the format of Prometheus, or of OpenMetrics. */
export async function exposition(
  source: MetricsSource,
  isOpenMetrics: boolean,
): Promise<{ readonly contentType: string; readonly text: string }> {
  const registry = new Registry<RegistryContentType>();
  if (isOpenMetrics) registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE);
  const registers = [registry];
  const histogram = (name: string, help: string, rows: readonly Row[]): void => {
    new CountedHistogram({ name, help }, rows, registers);
  };
  const gauge = (name: string, help: string, samples: readonly Sample[]): void => {
    const one = new Gauge({ name, help, labelNames: namesOf(samples), registers });
    for (const [labels, value] of samples) one.set(labels, value);
  };
  const counter = (name: string, help: string, samples: readonly Sample[]): void => {
    const one = new Counter({ name, help, labelNames: namesOf(samples), registers });
    for (const [labels, value] of samples) one.inc(labels, value);
  };
  const names = [...new Set(source.servers.map(({ definition }) => definition.name))];
  const tallies = names.map((server) => ({ server, tally: source.tally.of(server) }));

  const operations = (asker: Kind['asker']): Row[] =>
    tallies.flatMap(({ server, tally }) =>
      tally.kinds
        .filter((kind) => kind.asker === asker)
        .map((kind) => [labelsOf(server, kind), kind.durations]),
    );
  histogram(
    'mcp_server_operation_duration_seconds',
    'How long requests of clients took, until their answer passed.',
    operations('client'),
  );
  histogram(
    'mcp_client_operation_duration_seconds',
    'How long what servers ask of clients took, until its answer passed.',
    operations('server'),
  );
  histogram(
    'mcp_server_session_duration_seconds',
    'How long sessions lasted that have ended.',
    tallies.flatMap(({ server, tally }) =>
      tally.ended.map(({ transport, error, version, durations }): Row => {
        const labels = { mcp_protocol_version: version, error_type: error };
        return [{ server, ...TCP, transport, ...given(labels) }, durations];
      }),
    ),
  );
  const each = (look: (tally: ServerTally) => readonly Sample[]): Sample[] =>
    tallies.flatMap(({ server, tally }) =>
      look(tally).map(([labels, value]) => [{ server, ...labels }, value]),
    );
  counter(
    'mcp_proxy_sessions_opened_total',
    'Sessions that have begun.',
    each(({ opened }) => [...opened].map(([transport, count]) => [{ transport }, count])),
  );
  const bySide = ({ client, server }: ServerTally['octets']): Sample[] => [
    [{ from: 'client' }, client],
    [{ from: 'server' }, server],
  ];
  counter(
    'mcp_proxy_messages_total',
    'Messages, by who has sent them.',
    each(({ messages }) => bySide(messages)),
  );
  counter(
    'mcp_proxy_message_bytes_total',
    'Octets of messages, by who has sent them.',
    each(({ octets }) => bySide(octets)),
  );

  const transports = ['streamable-http', 'sse'] as const;
  const perServer = (of: (server: Server) => number): Sample[] =>
    names.map((server) => [
      { server },
      source.servers
        .filter(({ definition }) => definition.name === server)
        .reduce((sum, one) => sum + of(one), 0),
    ]);
  gauge(
    'mcp_proxy_sessions',
    'Sessions that are open.',
    names.flatMap((server) => {
      const open = source.sessions.of(server);
      return transports.map(
        (transport): Sample => [
          { server, transport },
          open.filter((session) => session.transport === transport).length,
        ],
      );
    }),
  );
  gauge(
    'mcp_proxy_server_ready',
    'Whether clients can be sent to the server.',
    source.servers
      .filter(({ definition }) => definition.filled === undefined)
      .map((server) => [{ server: server.definition.name }, server.ready ? 1 : 0]),
  );
  gauge(
    'mcp_proxy_processes',
    'Processes that run.',
    perServer(({ pool }) => pool.processes.length),
  );
  counter(
    'mcp_proxy_process_restarts_total',
    'Processes that were started in place of one that had ended by itself.',
    perServer(({ pool }) => pool.health.replaced).map(([labels, now], at) => [
      labels,
      tallies[at]?.tally.restarts.seen(now) ?? now,
    ]),
  );
  gauge(
    'mcp_proxy_requests_in_flight',
    'Requests that servers are at work on.',
    perServer(({ pool }) => pool.inFlight),
  );
  gauge(
    'mcp_proxy_requests_waiting',
    'Requests that wait for a process.',
    perServer(({ waiting }) => waiting),
  );
  gauge(
    'mcp_proxy_calls_parked',
    'Calls that wait for an answer of their client.',
    perServer(({ parked }) => parked),
  );
  counter(
    'mcp_proxy_http_responses_total',
    'HTTP answers by the class of their status; "none": the client had gone before.',
    [...source.tally.answers].map((count, at) => [{ status_class: at === 0 ? 'none' : `${at}xx` }, count]),
  );
  gauge('mcp_proxy_build_info', 'What runs.', [[{ version: VERSION, node_version: process.version }, 1]]);
  ofProcess(gauge, counter);
  return { contentType: registry.contentType, text: await registry.metrics() };
}

type Write = (name: string, help: string, samples: readonly Sample[]) => void;

/** What Prometheus's own clients tell of a process, by their names; nothing that has to be measured all the time. */
function ofProcess(gauge: Write, counter: Write): void {
  const { user, system } = process.cpuUsage();
  const { rss, heapUsed, heapTotal, external } = process.memoryUsage();
  const only = (value: number): Sample[] => [[{}, value]];
  counter('process_cpu_seconds_total', 'CPU time, in seconds.', only((user + system) / 1e6));
  gauge(
    'process_start_time_seconds',
    'When it began, in seconds since 1970.',
    only(performance.timeOrigin / 1000),
  );
  gauge('process_resident_memory_bytes', 'Resident memory.', only(rss));
  gauge('nodejs_heap_size_used_bytes', 'Heap in use.', only(heapUsed));
  gauge('nodejs_heap_size_total_bytes', 'Heap.', only(heapTotal));
  gauge('nodejs_external_memory_bytes', 'Memory outside the heap.', only(external));
  gauge(
    'nodejs_eventloop_utilization',
    'Share of its time, since it began, that the event loop was at work.',
    only(performance.eventLoopUtilization().utilization),
  );
  const open = openFiles();
  if (open !== undefined) gauge('process_open_fds', 'Open file descriptors.', only(open));
}

/** Undefined where the system does not say it. */
function openFiles(): number | undefined {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return undefined; // only Linux has it
  }
}

function labelsOf(server: string, { method, tool, error, version }: Kind): Labels {
  const labels = {
    gen_ai_tool_name: tool,
    error_type: error,
    rpc_response_status_code: /^-?\d+$/.test(error) ? error : '',
    mcp_protocol_version: version,
  };
  return { server, mcp_method_name: method, ...TCP, ...given(labels) };
}

/** What is not known is left out. */
function given(labels: Labels): Labels {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''));
}

function namesOf(samples: readonly Sample[]): string[] {
  return [...new Set(samples.flatMap(([labels]) => Object.keys(labels)))];
}
