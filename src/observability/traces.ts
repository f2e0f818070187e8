import {
  type Attributes,
  type Context,
  createTraceState,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import { BasicTracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { type Message, nameOf } from '../jsonrpc/message.js';
import { type TraceContext, traceOf, withTrace } from '../jsonrpc/trace-context.js';
import { decodeWire } from '../jsonrpc/wire.js';
import { PassingMap } from '../relay/passing.js';
import { VERSION } from '../version.js';
import type { Conversation } from './conversation.js';
import type { Emit } from './events.js';
import type { Exchange, Observer, Side } from './exchanges.js';
import { failureOf } from './failure.js';
import { Seldom } from './seldom.js';
import type { Tracing } from './tracing.js';

/** Characters of what a client has chosen: a method, a name, an id. */
const LONGEST = 100;
/** How often at most it is told that spans can't be sent, in milliseconds. */
const TELL_AGAIN_MS = 60_000;

/**
 * Sends spans where the variables of OpenTelemetry say: its SDK reads those of the exporter, the batches, the sampler
 * and the limits itself.
 */
export function openTraces(env: Readonly<Record<string, string | undefined>>, emit: Emit): Tracing {
  const failures = new Seldom(TELL_AGAIN_MS, performance);
  const tell = (): void => {
    if (failures.due() === 0) return;
    const where = 'see OTEL_EXPORTER_OTLP_ENDPOINT and the other variables of OpenTelemetry';
    emit({ level: 'warning', text: `traces could not be sent to their collector, and are lost; ${where}` });
  };
  const ignore = (): void => undefined;
  // What the SDK says of its own may have the headers that it sends, so it is not repeated.
  diag.setLogger(
    { error: tell, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    DiagLogLevel.ERROR,
  );
  const protocol = env.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL || env.OTEL_EXPORTER_OTLP_PROTOCOL;
  const exporter = protocol === 'http/json' ? new JsonExporter() : new ProtobufExporter();
  const own = resourceFromAttributes({ 'service.name': 'mcp-proxy', 'service.version': VERSION });
  const provider = new BasicTracerProvider({
    resource: defaultResource()
      .merge(own)
      .merge(detectResources({ detectors: [envDetector] })),
    spanProcessors: [new BatchSpanProcessor(exporter)],
  });
  return {
    observer: new Traces(provider.getTracer('mcp-proxy', VERSION)),
    async end(ms) {
      let timer: NodeJS.Timeout | undefined;
      const tooLong = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms);
      });
      await Promise.race([provider.shutdown().catch(tell), tooLong]);
      clearTimeout(timer);
    },
  };
}

/**
 * Makes a span of each request, by the OpenTelemetry conventions for MCP (`docs/gen-ai/mcp.md` there): part of the trace
 * that its `_meta` names, and named in the `_meta` that goes on to the server. Of params and results nothing is kept
 * but the names of tools and prompts.
 */
class Traces implements Observer {
  readonly #tracer: Tracer;
  readonly #open = new PassingMap<Exchange, Span>();
  /** The request that passes just now, and its span. */
  #passing: { readonly message: Message; readonly span: Span } | undefined;

  constructor(tracer: Tracer) {
    this.#tracer = tracer;
  }

  passed(conversation: Conversation, from: Side, message: Message, exchange: Exchange | undefined): void {
    if (message.kind !== 'request' || exchange === undefined) return;
    const method = shown(message.method ?? '');
    const target = targetOf(message);
    const span = this.#tracer.startSpan(
      target === undefined ? method : `${method} ${target}`,
      {
        kind: from === 'client' ? SpanKind.SERVER : SpanKind.CLIENT,
        attributes: attributesOf(conversation, message, method, target),
      },
      parentOf(traceOf(message)),
    );
    this.#open.set(exchange, span);
    if (from === 'client') this.#passing = { message, span };
  }

  stamp(message: Message): Message {
    const passing = this.#passing;
    this.#passing = undefined;
    if (passing?.message !== message) return message;
    const { traceId, spanId, traceFlags, traceState } = passing.span.spanContext();
    const flags = traceFlags.toString(16).padStart(2, '0');
    return withTrace(message, {
      traceparent: `00-${traceId}-${spanId}-${flags}`,
      tracestate: traceState?.serialize() || undefined,
    });
  }

  over(exchange: Exchange, answer: Message | undefined): void {
    const span = this.#open.get(exchange);
    if (span === undefined) return;
    this.#open.delete(exchange);
    const version = exchange.conversation.version();
    if (version !== undefined) span.setAttribute('mcp.protocol.version', version);
    const failure = failureOf(answer);
    if (failure !== undefined) {
      span.setAttribute('error.type', failure);
      if (/^-?\d+$/.test(failure)) span.setAttribute('rpc.response.status_code', failure);
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
  }
}

/** Tools and prompts are few, URIs are not. */
function targetOf(message: Message): string | undefined {
  const { method } = message;
  const name = method === 'tools/call' || method === 'prompts/get' ? nameOf(message) : undefined;
  return name?.slice(0, LONGEST);
}

function attributesOf(
  { server, shownId, transport }: Conversation,
  { id }: Message,
  method: string,
  target: string | undefined,
): Attributes {
  return {
    'mcp.method.name': method,
    'mcp_proxy.server.name': server,
    'network.transport': transport === 'stdio' ? 'pipe' : 'tcp',
    ...(transport === 'stdio' ? {} : { 'network.protocol.name': 'http' }),
    // The id itself lets in whoever has it.
    ...(shownId === undefined ? {} : { 'mcp.session.id': shownId }),
    ...(id === undefined ? {} : { 'jsonrpc.request.id': shown(id).replace(/^"(.*)"$/, '$1') }),
    ...(method === 'tools/call' ? { 'gen_ai.operation.name': 'execute_tool' } : {}),
    ...(target === undefined
      ? {}
      : { [method === 'tools/call' ? 'gen_ai.tool.name' : 'gen_ai.prompt.name']: target }),
  };
}

function shown(text: string): string {
  return decodeWire(text.slice(0, LONGEST));
}

function parentOf(said: TraceContext | undefined): Context {
  if (said === undefined) return ROOT_CONTEXT;
  const [, traceId = '', spanId = '', flags = '00'] = said.traceparent.split('-');
  const traceState = said.tracestate === undefined ? {} : { traceState: createTraceState(said.tracestate) };
  // Bits that are not known yet are not passed on.
  const traceFlags = Number.parseInt(flags, 16) & 1;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true, ...traceState });
}
