import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire, toWire, type Wire } from '../jsonrpc/wire.js';
import type { Call, Port } from './port.js';

/** Tasks that are remembered per upstream. The oldest is forgotten first; then nobody hears of it unasked. */
export const MAX_TASKS = 10_000;

/** Statuses that a task does not leave (2025-11-25, `basic/utilities/tasks`, "Task Status Lifecycle"). */
const FINAL = ['completed', 'failed', 'cancelled'];

/** Which session started which task (2025-11-25, `basic/utilities/tasks`). */
export class Tasks {
  /** The request that started each task, by the task's id. */
  readonly #tasks = new Map<string, Call>();
  readonly #dropToken: (call: Call) => void;

  /** @param dropToken told when the progress token of a request that became a task is of no more use */
  constructor(dropToken: (call: Call) => void) {
    this.#dropToken = dropToken;
  }

  /** Takes note of the task that a `CreateTaskResult` names. Returns whether it is one. */
  created(call: Call, answer: Message): boolean {
    if (answer.kind !== 'response') return false;
    const { taskId } = asRecord(asRecord(parseWire(answerOf(answer))).task);
    if (typeof taskId !== 'string') return false;
    this.#forget(taskId);
    const [oldest] = this.#tasks.keys();
    if (this.#tasks.size >= MAX_TASKS && oldest !== undefined) this.#forget(oldest);
    this.#tasks.set(taskId, call);
    return true;
  }

  /** Takes note of the status of a task, as notifications and answers of the server state it. */
  noteStatus(task: Readonly<Record<string, unknown>>): void {
    if (FINAL.some((status) => task.status === status)) this.ended(task.taskId);
  }

  /** A task that has ended reports no more progress; whose it is stays known. */
  ended(taskId: unknown): void {
    const call = this.#find(taskId);
    if (call) this.#dropToken(call);
  }

  owner(taskId: unknown): Port | undefined {
    return this.#find(taskId)?.port;
  }

  forget(port: Port): void {
    for (const [taskId, call] of this.#tasks) if (call.port === port) this.#forget(taskId);
  }

  /** The raw result of `tasks/list` with the tasks of other sessions left out. */
  ownPart(port: Port, answer: Message): Wire {
    const result = asRecord(parseWire(answerOf(answer)));
    const tasks = Array.isArray(result.tasks) ? result.tasks : [];
    const own = tasks.filter((task) => this.owner(asRecord(task).taskId) === port);
    return own.length === tasks.length ? answerOf(answer) : toWire({ ...result, tasks: own });
  }

  #find(taskId: unknown): Call | undefined {
    return typeof taskId === 'string' ? this.#tasks.get(taskId) : undefined;
  }

  #forget(taskId: string): void {
    this.ended(taskId);
    this.#tasks.delete(taskId);
  }
}
