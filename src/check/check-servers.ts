import type { ServerDefinition } from '../config/definition.js';
import { type CheckOptions, checkCommand } from './check-command.js';
import type { ServerReport } from './report.js';

/** Servers that are started at once: as many as a small machine starts without making each of them slow. */
const AT_ONCE = 4;

/** Checks servers, some at once. The reports are in the order of the definitions. */
export async function checkServers(
  definitions: readonly ServerDefinition[],
  options: CheckOptions,
): Promise<ServerReport[]> {
  const reports: ServerReport[] = [];
  const waiting = [...definitions.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      if (options.signal.aborted) return;
      const [index, definition] = next;
      reports[index] = await checkCommand(definition, options);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return reports;
}
