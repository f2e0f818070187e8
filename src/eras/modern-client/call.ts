import { ErrorCode, McpErrorCode } from '../../jsonrpc/errors.js';
import { makeError, makeRequest, makeResponse } from '../../jsonrpc/make.js';
import { type Key, keyOf, type Message, refOf, tokenOf, withId } from '../../jsonrpc/message.js';
import type { Wire } from '../../jsonrpc/wire.js';
import type { CloseReason } from '../../relay/link.js';
import { lossText } from '../../relay/loss.js';
import { type Refusal, refusalOf } from '../../relay/refusal.js';
import type { Envelope } from '../envelope.js';
import { belongsToCall, CallProgress, hearsLog } from './call-notifications.js';
import { Gathering } from './gathering.js';
import { Held } from './held.js';
import type { Host } from './host.js';
import { inputRequestOf, inputRequired, urlElicitationsOf } from './input-required.js';
import { legacyRequest } from './legacy-request.js';
import type { LegacySession } from './legacy-session.js';
import { ASKING_METHODS, QUESTION_METHODS } from './methods.js';
import { codeOf, missingCapabilities, modernError, modernResponse } from './modern-answer.js';
import type { Parkable } from './parking.js';
import type { RequestLink } from './request-link.js';
import type { ServerFacts } from './server-facts.js';

/** Questions that one call may have open: no server asks a person this much, and it bounds the memory. */
const MAX_QUESTIONS = 64;

/** A question of the server that its client has not answered. */
interface Question {
  /** Raw JSON of the id that the server gave it. */
  readonly id: Wire;
  readonly message: Message;
  /** The key that the client knows it by, the same in every round. */
  readonly key: string;
  /** Raw JSON of what an `input_required` says of it. */
  readonly entry: Wire;
}

/** Who waits for a call. */
export interface Caller {
  readonly client: RequestLink;
  readonly envelope: Envelope;
  readonly principal: string | undefined;
}

/**
 * One call at a legacy server for a modern client. It outlives the client's request: where the server asks
 * something, that request is answered with `input_required`, and the call stays open, parked, until the
 * client comes back with its answers (2026-07-28, `basic/patterns/mrtr`). All that a call can meet stands
 * in this one file, because each event means something else with a client waiting, while its questions are
 * gathered, and while it is parked.
 */
export class LegacyCall implements Parkable {
  readonly #host: Host;
  readonly #session: LegacySession;
  readonly #facts: ServerFacts;
  readonly #request: Message;
  readonly #method: Wire;
  readonly #id: Wire;
  readonly #progress: CallProgress;
  readonly #gathering: Gathering;
  readonly #questions = new Map<Key, Question>();
  readonly #held = new Held();
  /** Undefined while the call is parked. The one before still says what the server may ask. */
  #caller: Caller | undefined;
  #capabilities: Envelope['capabilities'];
  #level: string | undefined;
  #minted = 0;
  /** The capabilities that it takes to be asked what the server has asked, and that its client did not declare. */
  readonly #undeclared = new Set<string>();
  /** What the server answered while nobody waited. */
  #answer: Message | undefined;
  /** The request has gone to the server. */
  #sent = false;
  #over = false;

  constructor(host: Host, session: LegacySession, caller: Caller) {
    this.#host = host;
    this.#session = session;
    this.#facts = host.factsOf(session.initialized);
    this.#caller = caller;
    this.#capabilities = caller.envelope.capabilities;
    this.#request = caller.client.request;
    this.#method = this.#request.method ?? '';
    this.#id = host.nextId();
    this.#progress = new CallProgress(tokenOf(this.#request));
    const { gatherMs, gatherMostMs } = host.limits;
    this.#gathering = new Gathering(host.clock, gatherMs, gatherMostMs, () => this.#ask());
  }

  get session(): LegacySession {
    return this.#session;
  }

  // ── from the client ──

  start(): void {
    this.#session.link.listen({
      message: (message) => this.#fromServer(message),
      closed: (reason) => this.#lost(reason),
    });
    this.#hear();
    this.#setLevel();
    // What the server had asked before comes first: it may need that to do this call well.
    if (!this.#over && this.#questions.size === 0) this.#send();
  }

  #send(): void {
    this.#sent = true;
    this.#session.link.send(legacyRequest(this.#request, this.#id));
  }

  /**
   * Its client has come back.
   *
   * @param responses raw JSON of each response by the key of its question; others are ignored
   */
  resume(caller: Caller, responses: ReadonlyMap<string, Wire>): void {
    this.#caller = caller;
    this.#capabilities = caller.envelope.capabilities;
    this.#hear();
    for (const notification of this.#held.take()) this.#notify(notification);
    if (this.#answer !== undefined) {
      this.#finish(this.#answer);
      return;
    }
    this.#setLevel();
    for (const [key, question] of [...this.#questions]) {
      const response = responses.get(question.key);
      // Each answer may make the server go on at once: end the call, or take other questions back.
      if (response === undefined || !this.#questions.delete(key)) continue;
      this.#session.link.send(makeResponse(question.id, response));
    }
    if (this.#over) return;
    if (this.#questions.size > 0) this.#gathering.touch();
    else if (!this.#sent) this.#gathering.rest(this.#host.limits.settleMs);
    else this.#host.parking.leave(this);
  }

  /** Its client has gone, or never came back: the server hears that the call is given up. */
  giveUp(reason: CloseReason): void {
    if (this.#over) return;
    this.#end();
    this.#session.link.close(reason);
  }

  /** What its client can't take yet holds the server back. */
  #hear(): void {
    if (this.#caller) this.#caller.client.onHold = (isHeld) => this.#session.link.hold?.(isHeld);
  }

  /** The level is asked for where the server has levels, and again only where it is another one. */
  #setLevel(): void {
    const level = this.#caller?.envelope.logLevel;
    if (level === undefined || level === this.#level || this.#facts.capabilities.logging === undefined)
      return;
    this.#level = level;
    this.#session.link.send(makeRequest(this.#host.nextId(), 'logging/setLevel', { level }));
  }

  // ── from the server ──

  #fromServer(message: Message): void {
    if (this.#over || this.#answer !== undefined) return;
    if (message.kind === 'request') this.#question(message);
    else if (message.kind === 'notification') this.#notification(message);
    else if (keyOf(message.id ?? 'null') === this.#id) this.#answered(message);
    else if (message.id === 'null') this.#tell('warning', 'the server sent an error that names no request');
  }

  #answered(answer: Message): void {
    if (this.#caller !== undefined) this.#finish(answer);
    else {
      this.#answer = answer;
      this.#questions.clear();
      this.#session.link.close({ kind: 'ended', text: 'the request was answered' });
    }
  }

  #question(question: Message): void {
    const id = question.id ?? 'null';
    if (question.method === 'ping') {
      this.#session.link.send(makeResponse(id, '{}'));
      return;
    }
    const entry = inputRequestOf(question);
    const refusal = this.#refusalOf(question, entry);
    if (refusal !== undefined || entry === undefined) {
      this.#refuse(question, refusal);
      return;
    }
    this.#minted += 1;
    this.#questions.set(keyOf(id), { id, message: question, key: `q${this.#minted}`, entry });
    if (this.#caller !== undefined) this.#gathering.touch();
  }

  #refusalOf(question: Message, entry: Wire | undefined): Refusal | undefined {
    const method = question.method ?? '';
    const internal = (reason: string): Refusal => ({ code: ErrorCode.InternalError, reason });
    if (!QUESTION_METHODS.has(method)) {
      return { code: ErrorCode.MethodNotFound, reason: 'a client of the modern era cannot be asked this' };
    }
    if (!ASKING_METHODS.has(this.#method)) {
      return internal(
        `a client of the modern era cannot be asked anything while ${this.#method} is answered`,
      );
    }
    const refusal = refusalOf(question, this.#capabilities);
    if (refusal !== undefined) return refusal;
    if (entry === undefined) return internal('it is nested too deeply');
    if (this.#questions.has(keyOf(question.id ?? 'null'))) {
      return { code: ErrorCode.InvalidRequest, reason: 'its id is in use by a question that is still open' };
    }
    if (this.#questions.size >= MAX_QUESTIONS) return internal(`${MAX_QUESTIONS} questions are open already`);
    if (this.#host.parking.enter(this)) return undefined;
    return internal(`${this.#host.parking.size} calls wait for their clients already, and no more may`);
  }

  #refuse(question: Message, refusal: Refusal | undefined): void {
    const { code, reason } = refusal ?? { code: ErrorCode.InternalError, reason: 'it cannot be passed on' };
    if (refusal?.capability !== undefined) this.#undeclared.add(refusal.capability);
    this.#tell('warning', `refused the server's ${question.method}: ${reason}`);
    const text = `mcp-proxy refused ${question.method}: ${reason}`;
    this.#session.link.send(makeError(question.id ?? 'null', code, text));
  }

  #notification(notification: Message): void {
    if (notification.method === 'notifications/cancelled') this.#withdrawn(refOf(notification));
    if (!belongsToCall(notification)) return;
    if (this.#caller === undefined) this.#held.push(notification);
    else this.#notify(notification);
  }

  #notify(notification: Message): void {
    if (this.#caller === undefined) return;
    const { client, envelope } = this.#caller;
    if (notification.method === 'notifications/progress') {
      const restored = this.#progress.restore(notification, tokenOf(client.request));
      if (restored !== undefined) client.pass(restored);
    } else if (notification.method !== 'notifications/message' || hearsLog(notification, envelope.logLevel)) {
      client.pass(notification);
    }
  }

  /** The server takes a question back; where it was the only one, there is nothing to ask. */
  #withdrawn(ref: Wire | undefined): void {
    if (ref === undefined || !this.#questions.delete(keyOf(ref))) return;
    if (this.#questions.size === 0 && this.#caller !== undefined) this.#nothingToAsk();
  }

  #lost(reason: CloseReason): void {
    if (this.#over) return;
    this.#tell('debug', `the server was lost while ${this.#method} was open`);
    const text = lossText(this.#host.server, reason);
    // What is known already, because the answer came before the end, is the better answer.
    if (this.#answer === undefined)
      this.#answered(makeError('null', ErrorCode.InternalError, text, reason.data));
  }

  // ── to the client ──

  /** What was gathered is asked, and the call parked. Each must be what its client declares now. */
  #ask(): void {
    const caller = this.#caller;
    if (caller === undefined) return;
    for (const [key, question] of [...this.#questions]) {
      const refusal = refusalOf(question.message, this.#capabilities);
      if (refusal === undefined) continue;
      this.#questions.delete(key);
      this.#refuse(question.message, refusal);
      if (this.#over) return;
    }
    if (this.#questions.size === 0) {
      this.#nothingToAsk();
      return;
    }
    const asked = [...this.#questions.values()].map(({ key, entry }) => [key, entry] as const);
    const parked = { kind: 'parked', ...this.#host.parking.park(this) } as const;
    const state = this.#host.states.write(parked, caller.client.request, caller.principal);
    this.#caller = undefined;
    caller.client.answer(inputRequired(caller.client.id, asked, state, this.#facts.serverInfo));
  }

  #nothingToAsk(): void {
    this.#gathering.stop();
    this.#host.parking.leave(this);
    if (!this.#sent) this.#send();
  }

  #finish(answer: Message): void {
    const caller = this.#caller;
    this.#end();
    if (caller !== undefined) caller.client.answer(this.#modern(answer, caller));
    this.#session.link.close({ kind: 'ended', text: 'the request was answered' });
  }

  #modern(answer: Message, caller: Caller): Message {
    const { serverInfo } = this.#facts;
    if (answer.kind === 'response') return modernResponse(answer, this.#method, caller.client.id, serverInfo);
    const urls = ASKING_METHODS.has(this.#method) ? this.#urlsOf(answer, caller.envelope) : [];
    if (urls.length === 0) {
      const error =
        this.#undeclared.size === 0 ? modernError(answer) : missingCapabilities(answer, this.#undeclared);
      return withId(error, caller.client.id);
    }
    // The call is over for the server, which asks to be called again: so there is nothing to park.
    const { clock, limits, seal, states } = this.#host;
    const anew = { kind: 'anew', round: seal.newId(), expires: clock.now() + limits.parkedMs } as const;
    const state = states.write(anew, caller.client.request, caller.principal);
    const asked = urls.map((entry, index) => [`q${index + 1}`, entry] as const);
    return inputRequired(caller.client.id, asked, state, serverInfo);
  }

  #urlsOf(error: Message, { capabilities }: Envelope): Wire[] {
    if (codeOf(error) !== McpErrorCode.UrlElicitationRequired) return [];
    const urls = urlElicitationsOf(error);
    const probe = makeRequest('0', 'elicitation/create', { mode: 'url' });
    const refusal = refusalOf(probe, capabilities);
    if (refusal === undefined) return urls;
    if (urls.length > 0 && refusal.capability !== undefined) this.#undeclared.add(refusal.capability);
    return [];
  }

  #end(): void {
    this.#over = true;
    this.#gathering.stop();
    this.#host.parking.leave(this);
    this.#questions.clear();
  }

  #tell(level: 'debug' | 'warning', text: string): void {
    this.#host.emit({ level, text, server: this.#host.server });
  }
}
