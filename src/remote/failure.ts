import { ErrorCode } from '../jsonrpc/errors.js';
import { makeError } from '../jsonrpc/make.js';
import { answerOf, type Message, withId } from '../jsonrpc/message.js';
import { scan } from '../jsonrpc/scan.js';
import type { Wire } from '../jsonrpc/wire.js';

/** Why a request to a remote server came to nothing. `text` is for people and holds no secrets. */
export interface Failure {
  readonly kind: FailureKind;
  readonly text: string;
  /** The HTTP status, where there was one. */
  readonly status?: number;
  /** The JSON-RPC error that the body was. */
  readonly answer?: Message;
  /** The request was sent, and neither answered nor refused: nobody here knows whether it was processed. */
  readonly inDoubt?: true;
  /** Milliseconds that the server asks to be left alone. Whoever tries again by himself waits as long. */
  readonly retryAfter?: number;
  /** What the body said, as it came (UTF-8), cut. Not to be shown: it may hold secrets. */
  readonly body?: string;
}

/**
 * - `unreachable`: nobody there (yet): no connection, or an intermediary that says so. Trying again may help.
 * - `refused`: an HTTP status that means no.
 * - `session`: the server does not know the session any more.
 * - `lost`: the connection broke after the answer had begun.
 * - `timeout`: no answer in time.
 * - `foreign`: an answer that is not MCP.
 * - `credentials`: no access token could be had.
 */
type FailureKind = 'unreachable' | 'refused' | 'session' | 'lost' | 'timeout' | 'foreign' | 'credentials';

/**
 * The JSON-RPC error that tells the client of a failed request. A server's own error keeps code, message, data.
 * Whether to send it again is for the client to say: it knows what the request does.
 */
export function errorFor(request: Message, failure: Failure): Message {
  const id = request.id ?? 'null';
  if (failure.answer !== undefined) return answerTo(id, failure.answer);
  const data = failure.status === undefined ? undefined : { status: failure.status };
  const isInDoubt = failure.inDoubt === true && request.method !== 'initialize';
  const doubt = isInDoubt ? ' The server may have processed the request.' : '';
  return makeError(id, ErrorCode.InternalError, failure.text + doubt, data);
}

/** A server's error as the answer to the request `id`, whatever id the server gave it. */
export function answerTo(id: Wire, error: Message): Message {
  if (error.id === id) return error;
  if (error.idAt >= 0) return withId(error, id);
  const answer = scan(`{"jsonrpc":"2.0","id":${id},"error":${answerOf(error)}}`);
  if (answer.kind === 'error') return answer;
  throw new TypeError(`not a JSON-RPC id: ${id}`);
}

/** A broken connection or one that never was, in words. `stage`: how far the request had come, or its answer. */
export function networkFailure(
  error: Error,
  where: string,
  stage: 'unsent' | 'sent' | 'begun',
  mask: (text: string) => string,
): Failure {
  const doubt = stage === 'unsent' ? {} : { inDoubt: true as const };
  if (stage === 'begun') {
    const text = `${where} broke the connection off in the middle of its answer.`;
    return { kind: 'lost', text, ...doubt };
  }
  const known = networkReason(error);
  if (known !== undefined) {
    const text = `${where} cannot be reached: ${known}.`;
    return { kind: 'unreachable', text, ...doubt };
  }
  const code = codeOf(error);
  if (isCertificateError(code)) {
    const hint = 'Give the CA bundle with --verify-ssl FILE, or turn verification off with --no-verify-ssl.';
    return { kind: 'refused', text: `The TLS certificate of ${where} is not trusted (${code}). ${hint}` };
  }
  const detail = code === '' ? mask(error.message) : code;
  return { kind: 'refused', text: `The request to ${where} failed: ${detail}.`, ...doubt };
}

/** An answer that is no JSON-RPC message: what the server is instead, in words. */
export function foreign(where: string, text: Wire, type: string, mask: (text: string) => string): Failure {
  const words = maskedExcerpt(Buffer.from(text, 'latin1').toString(), type, mask);
  const what = type === '' ? 'something' : type;
  const said = words === '' ? '' : ` ("${words}")`;
  return {
    kind: 'foreign',
    text: `${where} answered with ${what} that is no MCP message${said}. Check that the URL is that of an MCP server.`,
    inDoubt: true,
  };
}

/** The answer to `initialize` has not come to its end in `limit` ms. */
export function handshakeTimeout(where: string, limit: number): Failure {
  const seconds = Math.max(1, Math.round(limit / 1000));
  const text = `${where} did not complete its answer to "initialize" within ${seconds} s. Check that the URL is that of an MCP server.`;
  return { kind: 'timeout', text };
}

/** Why there is no connection, in words with no end; undefined for any other error. */
export function networkReason(error: Error): string | undefined {
  const code = codeOf(error);
  if (code === 'ETIMEDOUT' && !isConnecting(error)) return DEAD;
  // Node's own, where the system has found nothing wrong.
  if (code === 'ECONNRESET' && !('syscall' in error)) return CLOSED;
  return NETWORK_ERRORS[code] ?? (error instanceof AggregateError ? causeOf(error) : undefined);
}

/** There was no connection yet. */
function isConnecting(error: Error): boolean {
  return 'syscall' in error && error.syscall === 'connect';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** What TCP keep-alive has found out. */
const DEAD = 'the other end of the connection does not answer any more (ETIMEDOUT)';

const CLOSED = 'the connection was closed before it answered';

/** Errors that come before any answer, and that a server which is just starting causes too. */
const NETWORK_ERRORS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused (ECONNREFUSED); nothing listens there',
  ENOTFOUND: 'its host name is not known (ENOTFOUND)',
  EAI_AGAIN: 'its host name could not be looked up (EAI_AGAIN)',
  ETIMEDOUT: 'no connection in time (ETIMEDOUT)',
  EHOSTUNREACH: 'there is no route to the host (EHOSTUNREACH)',
  ENETUNREACH: 'there is no route to its network (ENETUNREACH)',
  ECONNRESET: 'the connection was reset before it answered (ECONNRESET)',
  EPIPE: 'the connection was closed before it answered (EPIPE)',
};

/** What connecting to each of several addresses came to: the first reason that has words. */
function causeOf(error: AggregateError): string | undefined {
  for (const cause of error.errors) {
    const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined;
    const known = typeof code === 'string' ? NETWORK_ERRORS[code] : undefined;
    if (known !== undefined) return known;
  }
  return undefined;
}

function isCertificateError(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|ALTNAME|SELF_SIGNED/.test(code);
}

export interface Refusal {
  readonly status: number;
  readonly contentType: string;
  /** The body, or its beginning. */
  readonly body: Buffer;
  /** How the body is encoded, though that was not asked for: it is not read then. */
  readonly encoding?: string;
  /** Where a redirect points to, already fit to be shown. */
  readonly redirect?: string;
}

/** An answer whose status is not 2xx, in words. */
export function statusFailure(refusal: Refusal, where: string, mask: (text: string) => string): Failure {
  const { status } = refusal;
  const scanned = scan(maskedWire(refusal.body.toString('latin1'), mask));
  const body = refusal.body.toString();
  const hint =
    refusal.redirect === undefined ? statusHint(status) : ` It points to ${refusal.redirect}: give that URL.`;
  const words =
    refusal.encoding === undefined
      ? maskedExcerpt(body, refusal.contentType, mask)
      : `why, it says in an encoding it was not asked for (${maskedExcerpt(refusal.encoding, '', mask)}).`;
  return {
    kind: status === 502 || status === 503 || status === 504 ? 'unreachable' : 'refused',
    text: `${where} answered with HTTP status ${status}${words === '' ? '.' : `: ${words}`}${hint}`,
    status,
    body,
    ...(scanned.kind === 'error' ? { answer: scanned } : {}),
    ...(isRefusal(status) ? {} : { inDoubt: true }),
  };
}

/** Secrets end within a string of JSON, so that it stays JSON. What has none keeps its octets. */
function maskedWire(wire: Wire, mask: (text: string) => string): Wire {
  const text = Buffer.from(wire, 'latin1').toString();
  const masked = mask(text);
  return masked === text ? wire : Buffer.from(masked).toString('latin1');
}

/** A gateway does not say how far a request has come, nor does a server that failed over it. */
function isRefusal(status: number): boolean {
  return status < 500 || status === 501 || status === 503 || status === 505;
}

function statusHint(status: number): string {
  if (status === 401) {
    return ' It wants credentials: give them with --headers Authorization, API_ACCESS_TOKEN or --client-id.';
  }
  if (status === 403) return ' It does not accept these credentials.';
  if (status === 404) return ' Check the path of the URL.';
  return '';
}

/** Longest piece, in characters, of a server's own words that is shown. */
const EXCERPT = 200;

/** Characters of a body that words are looked for in. */
const SEARCHED = 16 * 1024;

/** The same without secrets: masked before it is cut, which could leave half of one, and after markup is gone. */
export function maskedExcerpt(whole: string, contentType: string, mask: (text: string) => string): string {
  return mask(excerpt(mask(whole.slice(0, 2 * SEARCHED)), contentType));
}

/** The beginning of a body as plain words: no markup, no control characters. */
export function excerpt(whole: string, contentType: string): string {
  const body = whole.slice(0, SEARCHED);
  const text = /html/i.test(contentType) || /^\s*<(?:!doctype|html)/i.test(body) ? withoutMarkup(body) : body;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is to be taken out
  const words = text.replace(/[\u0000-\u0020\u007f-\u009f]+/g, ' ').trim();
  return words.length > EXCERPT ? `${words.slice(0, EXCERPT - 1)}…` : words;
}

function withoutMarkup(html: string): string {
  return html
    .replace(/<(script|style|svg)\b[\s\S]*?(?:<\/\1\s*>|$)/gi, ' ')
    .replace(/<!--[\s\S]*?(?:-->|$)/g, ' ')
    .replace(/<[^<>]*>/g, ' ')
    .replace(/&(?:nbsp|#160);/g, ' ')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&quot;/g, '"')
    .replace(/&amp;/g, '&');
}
