/** Looks things up among the options that were given. */

import { optionNamed, type Scope } from './option-table.js';
import type { GivenOption } from './split.js';

/** The last value given for an option; the last one holds. */
export function lastValue(given: readonly GivenOption[], id: string): string | undefined {
  return given.findLast((one) => one.id === id)?.values[0];
}

/** Whether an option without values stands there. */
export function isGiven(given: readonly GivenOption[], id: string): boolean {
  return given.some((one) => one.id === id);
}

/** Whether a switch is on; its last spelling holds. */
export function isOn(given: readonly GivenOption[], id: string): boolean {
  const last = given.findLast((one) => one.id === id);
  return last !== undefined && !last.name.startsWith('--no-');
}

/** All pairs of words given for an option, in their order. */
export function pairs(given: readonly GivenOption[], id: string): [string, string][] {
  return given
    .filter((one) => one.id === id)
    .map(({ values: [first = '', second = ''] }): [string, string] => [first, second]);
}

/** The spellings, each once, of the given options that have this scope. */
export function namesOf(given: readonly GivenOption[], ...scopes: readonly Scope[]): string[] {
  const names = given
    .map(({ name }) => name)
    .filter((name) => scopes.some((scope) => optionNamed(name)?.scope === scope));
  return [...new Set(names)];
}
