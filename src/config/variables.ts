/** Environment variables, and what stands for something of a request, in the values of the configuration file. */

import { HEADER, type Part, PRINCIPAL, type Template } from './template.js';

export interface Expanded {
  readonly text: string;
  /** Names that are not set and have no default. */
  readonly unset: readonly string[];
  /** Whether a `${` is left that is no variable, and stays as it is written. */
  readonly odd: boolean;
  /** The text in its parts, where something of a request belongs into it; else undefined. */
  readonly template: Template | undefined;
}

const REFERENCE =
  /\$\$\{|\$\{(?:header:([\w!#$%&'*+.^`|~-]+)\}|(principal)\}|(?:([A-Za-z_]\w*)(:-[^}]*)?\})?)/g;

/**
 * `${NAME}` takes the variable's value; `${NAME:-default}` the default where it is not set or empty;
 * `$${` is `${` itself. What is taken is not looked through again. `${header:NAME}` and `${principal}` stay: a request
 * has what belongs there.
 */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): Expanded {
  const unset: string[] = [];
  const parts: Part[] = [];
  let odd = false;
  let at = 0;
  let result = '';
  const take = (written: string): void => {
    result += written;
    parts.push(written);
  };
  for (const match of text.matchAll(REFERENCE)) {
    const [whole, header, principal, name, fallback] = match;
    take(text.slice(at, match.index));
    at = match.index + whole.length;
    if (whole === '$${') take('${');
    else if (header !== undefined || principal !== undefined) {
      result += whole;
      parts.push({ name: header === undefined ? PRINCIPAL : HEADER + header.toLowerCase() });
    } else if (name === undefined) {
      odd = true;
      take(whole);
    } else {
      // A plain object has more names than its own: `constructor` is no variable.
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (value === undefined && fallback === undefined) unset.push(name);
      take(fallback === undefined ? (value ?? '') : value || fallback.slice(2));
    }
  }
  take(text.slice(at));
  const isTemplate = parts.some((part) => typeof part !== 'string');
  return { text: result, unset, odd, template: isTemplate ? parts.filter((part) => part !== '') : undefined };
}

/**
 * Variables that every process finds in its environment, and whose values are in every path: what is taken from
 * another may be secret, whatever it looks like.
 */
const PUBLIC = new Set(
  'HOME LOGNAME PATH PWD SHELL TERM TMPDIR USER APPDATA HOMEDRIVE HOMEPATH LOCALAPPDATA PROGRAMFILES SYSTEMDRIVE SYSTEMROOT TEMP TMP USERNAME USERPROFILE'.split(
    ' ',
  ),
);

/** The values of variables that a text takes and that may be secret. */
export function secretsTaken(text: string, env: Readonly<Record<string, string | undefined>>): string[] {
  return [...text.matchAll(REFERENCE)].flatMap(([, , , name]) => {
    if (name === undefined || PUBLIC.has(name.toUpperCase()) || !Object.hasOwn(env, name)) return [];
    return env[name] ?? [];
  });
}
