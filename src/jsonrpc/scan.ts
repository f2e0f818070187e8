import { HEAD, isLike, META_HEAD, PARAMS_HEAD, TARGET, TARGETED } from './alike.js';
import { ErrorCode } from './errors.js';
import type { Message, MessageKind } from './message.js';
import { parseWire, type Wire } from './wire.js';

/** What one JSON text from a peer turned out to be. */
export type Scanned = Message | Batch | Malformed;

/** A JSON-RPC batch (an array; only MCP 2025-03-26 has it). Never empty. */
interface Batch {
  readonly kind: 'batch';
  readonly items: readonly (Message | Malformed)[];
}

/** No JSON (`ParseError`), or JSON that is no JSON-RPC message (`InvalidRequest`). */
export interface Malformed {
  readonly kind: 'malformed';
  readonly code: typeof ErrorCode.ParseError | typeof ErrorCode.InvalidRequest;
  readonly reason: string;
}

/** Deeper nesting than this is refused: what reads it behind the proxy recurses, Python's parser as deep as this. */
export const MAX_DEPTH = 1000;

/**
 * Reads one JSON text in one pass: checks that all of it is valid JSON (RFC 8259) and finds the head of
 * the message in it. Never throws. The file is long because a grammar is read in one piece.
 *
 * A member of the head that occurs twice makes the message malformed: parsers differ in which one they
 * take, and a message must not mean one thing here and another to who reads it next. So does one that only
 * looks like a member of the head: Go's parser takes `ID` for `id`, and C's strings end at a NUL.
 */
export function scan(text: Wire): Scanned {
  try {
    return new Scanner(text).read();
  } catch (error) {
    if (error instanceof Refusal) return { kind: 'malformed', code: error.code, reason: error.message };
    throw error;
  }
}

class Refusal extends Error {
  readonly code: Malformed['code'];
  constructor(code: Malformed['code'], message: string) {
    super(message);
    this.code = code;
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;
const OPEN_ARRAY = 0x5b;
const CLOSE_ARRAY = 0x5d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;
const LETTER_T = 0x74;

/** Where a member of an object is given to a reader: its key, and where its value begins. */
type Visit = (scanner: Scanner, key: Wire, at: number) => number;

class Scanner {
  #text: Wire;
  #brokenLines = false;
  #idAt = -1;
  #idEnd = -1;
  #methodAt = -1;
  #methodEnd = -1;
  #paramsAt = -1;
  #paramsEnd = -1;
  #resultAt = -1;
  #resultEnd = -1;
  #errorAt = -1;
  #errorEnd = -1;
  #versionAt = -1;
  #versionEnd = -1;
  #metaTokenAt = -1;
  #metaTokenEnd = -1;
  #tokenAt = -1;
  #tokenEnd = -1;
  #refAt = -1;
  #refEnd = -1;
  #taskAt = -1;
  #metaAt = -1;
  #metaEnd = -1;
  #nameAt = -1;
  #nameEnd = -1;
  #uriAt = -1;
  #uriEnd = -1;
  /** A key of `params` that some parser takes for `name` or `uri`. */
  #likeTarget: Wire | undefined;
  #claimAt = -1;
  #claimEnd = -1;
  #subscriptionAt = -1;
  #subscriptionEnd = -1;
  #typeAt = -1;
  #typeEnd = -1;
  #ttlAt = -1;
  #scopeAt = -1;
  #isToolError = false;

  constructor(text: Wire) {
    this.#text = text;
  }

  read(): Scanned {
    const at = this.#space(0);
    const first = this.#text.charCodeAt(at);
    if (first === OPEN_OBJECT) {
      this.#end(this.#object(at, 1, topMember));
      return this.#message();
    }
    if (first === OPEN_ARRAY) return this.#batch(at);
    this.#end(this.value(at, 1));
    throw new Refusal(ErrorCode.InvalidRequest, 'a JSON-RPC message is an object');
  }

  #batch(open: number): Batch {
    const items: (Message | Malformed)[] = [];
    let at = this.#space(open + 1);
    if (this.#text.charCodeAt(at) === CLOSE_ARRAY) {
      this.#end(at + 1);
      throw new Refusal(ErrorCode.InvalidRequest, 'a batch has at least one message');
    }
    for (;;) {
      const end = this.value(at, 2);
      const item = scan(this.#text.slice(at, end));
      items.push(
        item.kind === 'batch'
          ? { kind: 'malformed', code: ErrorCode.InvalidRequest, reason: 'a batch holds no batches' }
          : item,
      );
      at = this.#space(end);
      const next = this.#text.charCodeAt(at);
      if (next === CLOSE_ARRAY) break;
      if (next !== COMMA) this.#unexpected(at);
      at = this.#space(at + 1);
    }
    this.#end(at + 1);
    return { kind: 'batch', items };
  }

  #message(): Message {
    const text = this.#brokenLines ? this.#text.replace(/[\r\n]/g, ' ') : this.#text;
    if (this.#versionAt < 0 || text.slice(this.#versionAt, this.#versionEnd) !== '"2.0"') {
      invalid('"jsonrpc" must be "2.0"');
    }
    const id = this.#idAt < 0 ? undefined : text.slice(this.#idAt, this.#idEnd);
    if (id !== undefined && !/^["\d-]/.test(id) && id !== 'null')
      invalid('"id" must be a string or a number');
    const kind = this.#kind(id);
    if (this.#paramsAt >= 0 && this.#methodAt < 0) invalid('"params" without "method"');
    const method = this.#methodAt < 0 ? undefined : this.#name(this.#methodAt, this.#methodEnd);
    if (this.#likeTarget !== undefined && TARGETED.has(method ?? '')) ambiguous(`params.${this.#likeTarget}`);
    const isError = kind === 'error';
    const progress = kind === 'notification' ? this.#tokenAt : this.#metaTokenAt;
    return {
      kind,
      text,
      pieces: undefined,
      id,
      idAt: this.#idAt,
      idEnd: this.#idEnd,
      method,
      paramsAt: this.#paramsAt,
      paramsEnd: this.#paramsEnd,
      answerAt: isError ? this.#errorAt : this.#resultAt,
      answerEnd: isError ? this.#errorEnd : this.#resultEnd,
      tokenAt: progress,
      tokenEnd: kind === 'notification' ? this.#tokenEnd : this.#metaTokenEnd,
      refAt: this.#refAt,
      refEnd: this.#refEnd,
      taskAt: this.#taskAt,
      metaAt: this.#metaAt,
      metaEnd: this.#metaEnd,
      nameAt: this.#nameAt,
      nameEnd: this.#nameEnd,
      uriAt: this.#uriAt,
      uriEnd: this.#uriEnd,
      versionAt: this.#claimAt,
      versionEnd: this.#claimEnd,
      subscriptionAt: this.#subscriptionAt,
      subscriptionEnd: this.#subscriptionEnd,
      typeAt: this.#typeAt,
      typeEnd: this.#typeEnd,
      ttlAt: this.#ttlAt,
      scopeAt: this.#scopeAt,
      isToolError: this.#isToolError,
    };
  }

  #kind(id: Wire | undefined): MessageKind {
    if (this.#methodAt >= 0) {
      if (this.#resultAt >= 0 || this.#errorAt >= 0) invalid('a message is a call or an answer, not both');
      if (this.#text.charCodeAt(this.#methodAt) !== QUOTE) invalid('"method" must be a string');
      const params = this.#paramsAt < 0 ? OPEN_OBJECT : this.#text.charCodeAt(this.#paramsAt);
      if (params !== OPEN_OBJECT) invalid('"params" must be an object');
      if (id === 'null') invalid('"id" must not be null in a request');
      return id === undefined ? 'notification' : 'request';
    }
    if (this.#resultAt >= 0 && this.#errorAt >= 0) invalid('an answer has "result" or "error", not both');
    if (this.#errorAt >= 0) {
      if (this.#text.charCodeAt(this.#errorAt) !== OPEN_OBJECT) invalid('"error" must be an object');
      return 'error';
    }
    if (this.#resultAt < 0) invalid('neither a call ("method") nor an answer ("result", "error")');
    if (id === undefined || id === 'null') invalid('a response must have the id of its request');
    return 'response';
  }

  /** Takes one member of the message itself. */
  top(key: Wire, at: number): number {
    switch (key) {
      case 'jsonrpc':
        once(this.#versionAt, key);
        this.#versionAt = at;
        this.#versionEnd = this.value(at, 2);
        return this.#versionEnd;
      case 'id':
        once(this.#idAt, key);
        this.#idAt = at;
        this.#idEnd = this.value(at, 2);
        return this.#idEnd;
      case 'method':
        once(this.#methodAt, key);
        this.#methodAt = at;
        this.#methodEnd = this.value(at, 2);
        return this.#methodEnd;
      case 'params':
        once(this.#paramsAt, key);
        this.#paramsAt = at;
        this.#paramsEnd =
          this.#text.charCodeAt(at) === OPEN_OBJECT ? this.#object(at, 2, paramsMember) : this.value(at, 2);
        return this.#paramsEnd;
      case 'result':
        once(this.#resultAt, key);
        this.#resultAt = at;
        this.#resultEnd =
          this.#text.charCodeAt(at) === OPEN_OBJECT ? this.#object(at, 2, resultMember) : this.value(at, 2);
        return this.#resultEnd;
      case 'error':
        once(this.#errorAt, key);
        this.#errorAt = at;
        this.#errorEnd = this.value(at, 2);
        return this.#errorEnd;
      default:
        if (isLike(HEAD, key)) ambiguous(key);
        return this.value(at, 2);
    }
  }

  /** Takes one member of `params`. */
  params(key: Wire, at: number): number {
    switch (key) {
      case '_meta':
        return this.#meta(at, 'params._meta');
      case 'progressToken':
        once(this.#tokenAt, 'params.progressToken');
        this.#tokenAt = at;
        this.#tokenEnd = this.value(at, 3);
        return this.#tokenEnd;
      case 'requestId':
        once(this.#refAt, 'params.requestId');
        this.#refAt = at;
        this.#refEnd = this.value(at, 3);
        return this.#refEnd;
      case 'task':
        this.#taskAt = at;
        return this.value(at, 3);
      case 'name':
        once(this.#nameAt, 'params.name');
        this.#nameAt = at;
        this.#nameEnd = this.value(at, 3);
        return this.#nameEnd;
      case 'uri':
        once(this.#uriAt, 'params.uri');
        this.#uriAt = at;
        this.#uriEnd = this.value(at, 3);
        return this.#uriEnd;
      default:
        if (isLike(PARAMS_HEAD, key)) ambiguous(`params.${key}`);
        if (isLike(TARGET, key)) this.#likeTarget = key;
        return this.value(at, 3);
    }
  }

  /** Takes one member of `result`. */
  result(key: Wire, at: number): number {
    switch (key) {
      case '_meta':
        return this.#meta(at, 'result._meta');
      case 'resultType':
        once(this.#typeAt, 'result.resultType');
        this.#typeAt = at;
        this.#typeEnd = this.value(at, 3);
        return this.#typeEnd;
      case 'ttlMs':
        this.#ttlAt = at;
        return this.value(at, 3);
      case 'cacheScope':
        this.#scopeAt = at;
        return this.value(at, 3);
      case 'isError':
        this.#isToolError = this.#text.charCodeAt(at) === LETTER_T;
        return this.value(at, 3);
      default:
        return this.value(at, 3);
    }
  }

  /** Takes one member of `_meta`. */
  meta(key: Wire, at: number): number {
    const end = this.value(at, 4);
    switch (key) {
      case 'progressToken':
        once(this.#metaTokenAt, '_meta.progressToken');
        this.#metaTokenAt = at;
        this.#metaTokenEnd = end;
        break;
      case 'io.modelcontextprotocol/protocolVersion':
        once(this.#claimAt, `_meta.${key}`);
        this.#claimAt = at;
        this.#claimEnd = end;
        break;
      case 'io.modelcontextprotocol/subscriptionId':
        once(this.#subscriptionAt, `_meta.${key}`);
        this.#subscriptionAt = at;
        this.#subscriptionEnd = end;
        break;
      default:
        if (isLike(META_HEAD, key)) ambiguous(`_meta.${key}`);
    }
    return end;
  }

  #meta(at: number, name: string): number {
    once(this.#metaAt, name);
    this.#metaAt = at;
    this.#metaEnd =
      this.#text.charCodeAt(at) === OPEN_OBJECT ? this.#object(at, 3, metaMember) : this.value(at, 3);
    return this.#metaEnd;
  }

  /** Passes over one value of any kind; returns where it ends. */
  value(at: number, depth: number): number {
    switch (this.#text.charCodeAt(at)) {
      case QUOTE:
        return this.#string(at);
      case OPEN_OBJECT:
        return this.#object(at, depth, undefined);
      case OPEN_ARRAY:
        return this.#array(at, depth);
      case LETTER_T:
        return this.#literal(at, 'true');
      case 0x66:
        return this.#literal(at, 'false');
      case 0x6e:
        return this.#literal(at, 'null');
      default:
        return this.#number(at);
    }
  }

  #object(open: number, depth: number, visit: Visit | undefined): number {
    if (depth > MAX_DEPTH) tooDeep();
    let at = this.#space(open + 1);
    if (this.#text.charCodeAt(at) === CLOSE_OBJECT) return at + 1;
    for (;;) {
      if (this.#text.charCodeAt(at) !== QUOTE) this.#unexpected(at);
      const keyEnd = this.#string(at);
      let valueAt = this.#space(keyEnd);
      if (this.#text.charCodeAt(valueAt) !== COLON) this.#unexpected(valueAt);
      valueAt = this.#space(valueAt + 1);
      const end =
        visit === undefined ? this.value(valueAt, depth + 1) : visit(this, this.#name(at, keyEnd), valueAt);
      at = this.#space(end);
      const next = this.#text.charCodeAt(at);
      if (next === CLOSE_OBJECT) return at + 1;
      if (next !== COMMA) this.#unexpected(at);
      at = this.#space(at + 1);
    }
  }

  #array(open: number, depth: number): number {
    if (depth > MAX_DEPTH) tooDeep();
    let at = this.#space(open + 1);
    if (this.#text.charCodeAt(at) === CLOSE_ARRAY) return at + 1;
    for (;;) {
      at = this.#space(this.value(at, depth + 1));
      const next = this.#text.charCodeAt(at);
      if (next === CLOSE_ARRAY) return at + 1;
      if (next !== COMMA) this.#unexpected(at);
      at = this.#space(at + 1);
    }
  }

  #string(open: number): number {
    const text = this.#text;
    let far = open + LONG_STRING;
    for (let at = open + 1; ; at++) {
      if (at > far) at = plainUntil(text, at);
      const c = text.charCodeAt(at);
      if (c === QUOTE) return at + 1;
      if (c === BACKSLASH) {
        far = at + LONG_STRING;
        at++;
        const escaped = text.charAt(at);
        if (escaped === 'u') {
          if (!/^[\da-fA-F]{4}$/.test(text.slice(at + 1, at + 5))) this.#unexpected(at);
          at += 4;
        } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) this.#unexpected(at);
      } else if (!(c >= 0x20)) this.#unexpected(at); // a control character, or NaN: the text ends here
    }
  }

  #number(start: number): number {
    let at = start;
    if (this.#text.charCodeAt(at) === MINUS) at++;
    at = this.#text.charCodeAt(at) === ZERO ? at + 1 : this.#digits(at);
    if (this.#text.charAt(at) === '.') at = this.#digits(at + 1);
    const exponent = this.#text.charAt(at);
    if (exponent === 'e' || exponent === 'E') {
      const sign = this.#text.charAt(at + 1);
      at = this.#digits(sign === '+' || sign === '-' ? at + 2 : at + 1);
    }
    return at;
  }

  #digits(start: number): number {
    let at = start;
    for (;;) {
      const c = this.#text.charCodeAt(at);
      if (!(c >= ZERO && c <= NINE)) break;
      at++;
    }
    if (at === start) this.#unexpected(at);
    return at;
  }

  #literal(at: number, word: string): number {
    if (!this.#text.startsWith(word, at)) this.#unexpected(at);
    return at + word.length;
  }

  #space(start: number): number {
    let at = start;
    for (;;) {
      const c = this.#text.charCodeAt(at);
      if (c === 0x0a || c === 0x0d) this.#brokenLines = true;
      else if (c !== 0x20 && c !== 0x09) return at;
      at++;
    }
  }

  /** The text of a string between its quotes; escapes are resolved, so that no spelling hides a key. */
  #name(at: number, end: number): Wire {
    const inner = this.#text.slice(at + 1, end - 1);
    return inner.includes('\\') ? String(parseWire(this.#text.slice(at, end))) : inner;
  }

  #end(at: number): void {
    const end = this.#space(at);
    if (end < this.#text.length) this.#unexpected(end);
  }

  #unexpected(at: number): never {
    const found = at < this.#text.length ? JSON.stringify(this.#text.charAt(at)) : 'the end';
    throw new Refusal(ErrorCode.ParseError, `no valid JSON: ${found} at offset ${at}`);
  }
}

/** Where nothing special has come for so long, the compiled expression is faster than a look at each character. */
const LONG_STRING = 64;
/** What stands in a string for itself: all octets from the space on but the quote and the backslash. */
const PLAIN = /[ !#-[\]-\u00ff]*/y;

/** Where the first character at or behind `at` stands that ends a string or means something in it. */
function plainUntil(text: Wire, at: number): number {
  PLAIN.lastIndex = at;
  PLAIN.test(text);
  return PLAIN.lastIndex;
}

const topMember: Visit = (scanner, key, at) => scanner.top(key, at);
const paramsMember: Visit = (scanner, key, at) => scanner.params(key, at);
const resultMember: Visit = (scanner, key, at) => scanner.result(key, at);
const metaMember: Visit = (scanner, key, at) => scanner.meta(key, at);

function ambiguous(key: Wire): never {
  invalid(`${JSON.stringify(key)} could be taken for another member`);
}

function once(at: number, name: string): void {
  if (at >= 0) invalid(`"${name}" occurs twice`);
}

function invalid(reason: string): never {
  throw new Refusal(ErrorCode.InvalidRequest, reason);
}

function tooDeep(): never {
  throw new Refusal(ErrorCode.InvalidRequest, `nested more than ${MAX_DEPTH} levels deep`);
}
