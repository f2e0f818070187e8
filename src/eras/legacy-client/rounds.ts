/** Calls that the server answers with questions: asks the client, and asks the server again with the answers. */
import { makeCancelled } from '../../jsonrpc/make.js';
import { membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, type Key, keyOf, type Message } from '../../jsonrpc/message.js';
import { withParams } from '../../jsonrpc/rewrite.js';
import { copyWire, type Wire } from '../../jsonrpc/wire.js';
import type { Clock } from '../../relay/clock.js';
import { refusalOf } from '../../relay/refusal.js';
import type { Call } from './calls.js';
import { downgradedQuestion, type LegacyVersion } from './downgrade.js';
import { readError } from './errors.js';
import { type Entry, questionOf, readInputRequired } from './questions.js';

/** How often one call may be asked again. Dialogues have a few rounds; a server that never ends must end here. */
export const MAX_ROUNDS = 16;
/**
 * Wait before a call is asked again that had no questions the last time either, in milliseconds: a server that
 * answers with nothing but its state has something to wait for, and the rounds must not be over at once.
 */
export const STATE_ONLY_PAUSE_MS = 250;

/** The requests that may be answered with questions (2026-07-28, `basic/patterns/mrtr`, "Supported Requests"). */
const ASKING: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** What the rounds need of the translator. */
export interface RoundsHost {
  /** The server definition's name. */
  readonly server: string;
  readonly clock: Clock;
  /** What the client said it can be asked. */
  capabilities(): Readonly<Record<string, unknown>>;
  /** The version that is agreed on with the client. */
  agreed(): LegacyVersion;
  elicitationId(): string;
  /** Sends something to the client that belongs to its call. */
  deliver(message: Message, call: Call): void;
  /** Asks the server again, under a new id. */
  retry(call: Call, request: Message): void;
  /** Answers the client's call with what went wrong, in words. */
  fail(call: Call, text: string): void;
  /** Runs what a timer has started, so that a defect ends no more than itself. */
  guard(action: () => void): void;
}

/** What is known of a call that may be answered with questions. */
interface Dialogue {
  /** The request as the server got it first, with its envelope. */
  readonly request: Message;
  rounds: number;
  /** Whether the last result had a state only. */
  stateOnly: boolean;
  /** The ids of the questions that are open in this round. */
  readonly asked: Set<Key>;
  /** The answers of this round, raw, by the raw key of their question. Undefined: it has no questions. */
  answers: Map<Wire, Wire> | undefined;
  state: Wire | undefined;
  /** Takes back a pause. */
  disarm: (() => void) | undefined;
}

interface Question {
  readonly call: Call;
  /** Raw JSON of its id, a plain number: its key too. */
  readonly id: Key;
  readonly rawKey: Wire;
  readonly method: string;
}

export class Rounds {
  readonly #host: RoundsHost;
  readonly #dialogues = new Map<Call, Dialogue>();
  /** What the client has been asked and not answered. */
  readonly #questions = new Map<Key, Question>();
  #nextId = 1;

  constructor(host: RoundsHost) {
    this.#host = host;
  }

  /** A call is sent to the server for the first time. */
  opened(call: Call, request: Message): void {
    if (!ASKING.has(call.method)) return;
    this.#dialogues.set(call, {
      request,
      rounds: 0,
      stateOnly: false,
      asked: new Set(),
      answers: undefined,
      state: undefined,
      disarm: undefined,
    });
  }

  /** The server has answered a call with an `input_required` result. */
  inputRequired(call: Call, answer: Message): void {
    const { server } = this.#host;
    const dialogue = this.#dialogues.get(call);
    if (dialogue === undefined) {
      this.#host.fail(call, `server "${server}" answered ${call.method} with questions, which it must not`);
      return;
    }
    const read = readInputRequired(answerOf(answer));
    if (typeof read === 'string') {
      this.#host.fail(call, `server "${server}" ${read}`);
      return;
    }
    dialogue.rounds++;
    if (dialogue.rounds > MAX_ROUNDS) {
      this.#host.fail(call, `server "${server}" asked for input more than ${MAX_ROUNDS} times in one call`);
      return;
    }
    dialogue.state = read.state === undefined ? undefined : copyWire(read.state);
    if (read.entries === undefined) {
      this.#withStateOnly(call, dialogue);
      return;
    }
    dialogue.stateOnly = false;
    dialogue.answers = new Map();
    this.#ask(call, dialogue, read.entries);
  }

  #withStateOnly(call: Call, dialogue: Dialogue): void {
    const again = dialogue.stateOnly;
    dialogue.stateOnly = true;
    dialogue.answers = undefined;
    if (!again) {
      this.#retry(call, dialogue);
      return;
    }
    dialogue.disarm = this.#host.clock.after(STATE_ONLY_PAUSE_MS, () => {
      dialogue.disarm = undefined;
      this.#host.guard(() => this.#retry(call, dialogue));
    });
  }

  /** Puts all questions of a round to the client, or none where one of them cannot be asked. */
  #ask(call: Call, dialogue: Dialogue, entries: readonly Entry[]): void {
    const { server } = this.#host;
    const messages: [Question, Message][] = [];
    for (const entry of entries) {
      const id = String(this.#nextId++);
      const message = questionOf(entry, id, () => this.#host.elicitationId());
      if (message === undefined) {
        this.#host.fail(
          call,
          `server "${server}" asked the client for ${entry.method} in a form that is none`,
        );
        return;
      }
      const refusal = refusalOf(message, this.#host.capabilities());
      const known = refusal?.reason ?? downgradedQuestion(message, this.#host.agreed());
      if (typeof known === 'string') {
        const text = `server "${server}" needs an answer to ${entry.method} to go on, but ${known}`;
        this.#host.fail(call, text);
        return;
      }
      messages.push([{ call, id, rawKey: copyWire(entry.rawKey), method: entry.method }, known]);
    }
    if (messages.length === 0) {
      this.#retry(call, dialogue);
      return;
    }
    for (const [question] of messages) {
      this.#questions.set(question.id, question);
      dialogue.asked.add(question.id);
    }
    for (const [{ id }, message] of messages) {
      // The answer to one may come, and end the call, before the next is sent.
      if (dialogue.asked.has(id)) this.#host.deliver(message, call);
    }
  }

  /** Takes an answer of the client. Returns false where it was not asked that. */
  answered(answer: Message): boolean {
    const key = keyOf(answer.id ?? 'null');
    const question = this.#questions.get(key);
    const dialogue = question && this.#dialogues.get(question.call);
    if (!question || !dialogue) return false;
    this.#questions.delete(key);
    dialogue.asked.delete(key);
    const { call, method } = question;
    const result = answerOf(answer);
    if (answer.kind === 'error') {
      const why = readError(answer).message;
      this.#host.fail(call, `the client answered the server's ${method} with an error: ${why}`);
    } else if (!result.startsWith('{')) {
      this.#host.fail(call, `the client answered the server's ${method} with a result that is no object`);
    } else {
      dialogue.answers?.set(question.rawKey, copyWire(result));
      if (dialogue.asked.size === 0) this.#retry(call, dialogue);
    }
    return true;
  }

  /** Original params, this round's answers and state, nothing of the rounds before (`basic/patterns/mrtr`). */
  #retry(call: Call, dialogue: Dialogue): void {
    const { request, answers, state } = dialogue;
    const params = membersOf(request.text.slice(request.paramsAt, request.paramsEnd));
    const again: { rawKey: Wire; value: Wire }[] = params.filter(
      ({ key }) => key !== 'inputResponses' && key !== 'requestState',
    );
    if (answers !== undefined) {
      const value = objectOf([...answers].map(([rawKey, answer]) => ({ rawKey, value: answer })));
      again.push({ rawKey: '"inputResponses"', value });
    }
    if (state !== undefined) again.push({ rawKey: '"requestState"', value: state });
    const retry = withParams(request, objectOf(again));
    if (retry === undefined) {
      this.#host.fail(call, "the client's answers are nested too deep to be passed on");
      return;
    }
    call.progress.nextRound();
    this.#host.retry(call, retry);
  }

  /** A call is answered or given up: what the client is still asked for its sake is taken back. */
  settled(call: Call, reason: string): void {
    const dialogue = this.#dialogues.get(call);
    if (dialogue === undefined) return;
    this.#dialogues.delete(call);
    dialogue.disarm?.();
    const open = [...dialogue.asked];
    dialogue.asked.clear();
    for (const id of open) {
      this.#questions.delete(id);
      this.#host.deliver(makeCancelled(id, reason), call);
    }
  }

  /** Stops whatever waits; nothing is sent. */
  close(): void {
    for (const { disarm } of this.#dialogues.values()) disarm?.();
    this.#dialogues.clear();
    this.#questions.clear();
  }
}
