/** How a child process came to its end, as data and in words. */
import type { ServerDefinition } from '../config/definition.js';
import { findCommand } from './command.js';
import { maskOf } from './secrets.js';

export type ChildExit =
  /** It never ran. `reason` says why, for people. */
  | { readonly kind: 'unspawnable'; readonly reason: string }
  | { readonly kind: 'exited'; readonly code: number }
  | { readonly kind: 'killed'; readonly signal: string };

/**
 * One text for people: which server, its command as resolved (without its arguments, which may hold
 * secrets), what happened, and the last lines of its stderr, each on a line of its own. The values of the
 * definition's `env`, and secret arguments, are masked.
 *
 * @param stderrTail the lines to show, oldest first; may be empty
 */
export function describeExit(
  definition: ServerDefinition,
  exit: ChildExit,
  stderrTail: readonly string[],
): string {
  if (exit.kind === 'unspawnable') {
    const mask = maskOf(definition);
    return `server "${definition.name}" could not be started: ${mask(exit.reason)}`;
  }
  const how = exit.kind === 'exited' ? `ended with exit code ${exit.code}` : bySignal(exit.signal);
  return describeProcess(definition, how, stderrTail);
}

/**
 * The same for whatever happened to a running process.
 *
 * @param what in words that follow the server's name
 */
export function describeProcess(
  definition: ServerDefinition,
  what: string,
  stderrTail: readonly string[],
): string {
  const mask = maskOf(definition);
  const command = findCommand(definition) ?? definition.command;
  const tail =
    stderrTail.length === 0
      ? ''
      : `; its stderr ends with:${stderrTail.map((line) => `\n  ${line}`).join('')}`;
  return `server "${definition.name}" (${mask(command)}) ${what}${mask(tail)}`;
}

/** The same as the `data` of JSON-RPC errors. `stderr` is masked already. */
export function exitData(
  definition: ServerDefinition,
  exit: ChildExit,
  stderr: readonly string[],
): Readonly<Record<string, unknown>> {
  return { server: definition.name, ...howData(exit), stderr };
}

function howData(exit: ChildExit): Readonly<Record<string, unknown>> {
  switch (exit.kind) {
    case 'unspawnable':
      return { reason: exit.reason };
    case 'exited':
      return { exitCode: exit.code };
    case 'killed':
      return { signal: exit.signal };
  }
}

function bySignal(signal: string): string {
  const hint = signal === 'SIGKILL' ? ' (which is also what the system does when memory runs out)' : '';
  return `was ended by the signal ${signal}${hint}`;
}
