import type { ServerDefinition } from '../config/definition.js';
import { refuseName } from '../config/server-name.js';
import { UsageError } from './usage-error.js';

/**
 * The servers of `--named-server`. Their command strings are split as a shell splits words; no shell is
 * started, so that nothing in them is expanded or run.
 *
 * @param given pairs of name and command string
 * @param common what all of them have
 * Throws `UsageError`. Adds a warning for each name that is given twice; the last one holds.
 */
export async function namedServers(
  given: readonly (readonly [name: string, command: string])[],
  common: Pick<ServerDefinition, 'passEnvironment' | 'sharing' | 'era'>,
  warnings: string[],
): Promise<ServerDefinition[]> {
  if (given.length === 0) return [];
  const { split } = await import('shlex');
  const servers = new Map<string, ServerDefinition>();
  for (const [name, text] of given) {
    const refusal = refuseName(name);
    if (refusal !== undefined) throw new UsageError(`--named-server: ${refusal}`);
    const [command, ...args] = words(name, text, split);
    if (!command) throw new UsageError(`--named-server ${name}: the command string has no command in it`);
    if (servers.has(name)) {
      warnings.push(`--named-server ${name} is given more than once; the last one holds.`);
    }
    servers.set(name, { name, command, args, env: {}, cwd: undefined, ...common });
  }
  return [...servers.values()];
}

function words(name: string, text: string, split: (text: string) => string[]): string[] {
  try {
    return split(text);
  } catch (error) {
    const reason =
      error instanceof Error && /escape/.test(error.message)
        ? 'ends with a backslash'
        : 'has a quote that is not closed';
    throw new UsageError(`--named-server ${name}: the command string ${reason}`);
  }
}
