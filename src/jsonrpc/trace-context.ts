import { membersOf, objectOf } from './members.js';
import { type Message, metaOf, withInserted } from './message.js';
import { messageOf, withParams } from './rewrite.js';
import { parseWire, toWire, type Wire } from './wire.js';

/** Which trace a request is part of (W3C Trace Context). */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string | undefined;
}

/** Version 00 of it; a later one begins like that, too ("Versioning of traceparent"). */
const TRACEPARENT =
  /^(?!ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]*)?$/;
/** Longest that is passed on: as long as everybody has to take it ("tracestate Limits"). */
const LONGEST = 512;
const KEYS: ReadonlySet<string> = new Set(['traceparent', 'tracestate']);

/** What two texts say, wherever they come from; undefined where they say nothing that may be passed on. */
export function traceContext(traceparent: unknown, tracestate: unknown): TraceContext | undefined {
  if (typeof traceparent !== 'string' || traceparent.length > LONGEST || !TRACEPARENT.test(traceparent)) {
    return undefined;
  }
  const isState =
    typeof tracestate === 'string' && tracestate.length <= LONGEST && /^[\x20-\x7e]+$/.test(tracestate);
  return { traceparent, tracestate: isState ? tracestate : undefined };
}

/** What `_meta` of a request says (2026-07-28, `basic/index`, "_meta"; SEP-414: these keys have no prefix). */
export function traceOf(message: Message): TraceContext | undefined {
  const meta = metaOf(message);
  if (meta === undefined || !meta.includes('traceparent')) return undefined;
  const said = new Map(membersOf(meta).map(({ key, value }) => [key, value]));
  const [traceparent, tracestate] = ['traceparent', 'tracestate'].map((key) => stringIn(said.get(key)));
  return traceContext(traceparent, tracestate);
}

function stringIn(raw: Wire | undefined): unknown {
  return raw?.startsWith('"') ? parseWire(raw) : undefined;
}

/** The request as part of that trace; all else in it keeps every octet. As it is, where it can't carry one. */
export function withTrace(request: Message, { traceparent, tracestate }: TraceContext): Message {
  const state = tracestate === undefined ? '' : `,"tracestate":${toWire(tracestate)}`;
  const added = `"traceparent":${toWire(traceparent)}${state}`;
  const { text, paramsAt } = request;
  if (paramsAt < 0) return withParams(request, `{"_meta":{${added}}}`) ?? request;
  const meta = metaOf(request);
  if (meta === undefined) {
    const whole = `"_meta":{${added}}`;
    const comma = isEmpty(text, paramsAt) ? '' : ',';
    const metaAt = paramsAt + 1 + '"_meta":'.length;
    return {
      ...withInserted(request, paramsAt + 1, whole + comma),
      metaAt,
      metaEnd: paramsAt + 1 + whole.length,
    };
  }
  if (!meta.startsWith('{')) return request;
  if (/traceparent|tracestate|\\/.test(meta)) {
    const others = membersOf(meta).filter(({ key }) => !KEYS.has(key));
    const rest = others.length === 0 ? '' : `,${objectOf(others).slice(1, -1)}`;
    return (
      messageOf(`${text.slice(0, request.metaAt)}{${added}${rest}}${text.slice(request.metaEnd)}`) ?? request
    );
  }
  return withInserted(request, request.metaAt + 1, isEmpty(text, request.metaAt) ? added : `${added},`);
}

const REST_OF_EMPTY = /\s*\}/y;

function isEmpty(text: Wire, open: number): boolean {
  REST_OF_EMPTY.lastIndex = open + 1;
  return REST_OF_EMPTY.test(text);
}
