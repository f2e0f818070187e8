import { answerOf, asRecord, type Message } from '../jsonrpc/message.js';
import { parseWire, toWire } from '../jsonrpc/wire.js';
import type { Port } from './port.js';

/** Tasks that are remembered per upstream. The oldest is forgotten first; then nobody hears of it unasked. */
export const MAX_TASKS = 10_000;

/** Which session started which task (2025-11-25, `basic/utilities/tasks`) on a shared upstream. */
export class Tasks {
  readonly #owners = new Map<string, Port>();

  /** Takes note of the task that a `CreateTaskResult` names. Returns its id. */
  created(port: Port, answer: Message): string | undefined {
    if (answer.kind !== 'response') return undefined;
    const { taskId } = asRecord(asRecord(parseWire(answerOf(answer))).task);
    if (typeof taskId !== 'string') return undefined;
    const [oldest] = this.#owners.keys();
    if (this.#owners.size >= MAX_TASKS && oldest !== undefined) this.#owners.delete(oldest);
    this.#owners.set(taskId, port);
    return taskId;
  }

  owner(taskId: unknown): Port | undefined {
    return typeof taskId === 'string' ? this.#owners.get(taskId) : undefined;
  }

  forget(port: Port): void {
    for (const [taskId, owner] of this.#owners) if (owner === port) this.#owners.delete(taskId);
  }

  /** The raw result of `tasks/list` with the tasks of other sessions left out. */
  ownPart(port: Port, answer: Message): string {
    const result = asRecord(parseWire(answerOf(answer)));
    const tasks = Array.isArray(result.tasks) ? result.tasks : [];
    return toWire({ ...result, tasks: tasks.filter((task) => this.owner(asRecord(task).taskId) === port) });
  }
}
