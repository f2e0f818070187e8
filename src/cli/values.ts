/** What the words of options mean. Every function throws `UsageError` for a value that is none. */
import { isSecureUrl } from '../auth/secure-url.js';
import { MAX_SECONDS } from '../config/max-seconds.js';
import { MAX_SIZE, parseSize } from '../config/size.js';
import { parseBasePath } from '../http/base-path.js';
import type { LogLevel } from '../observability/events.js';
import { UsageError } from './usage-error.js';

const LEVELS: Readonly<Record<string, LogLevel>> = {
  debug: 'debug',
  info: 'info',
  warning: 'warning',
  error: 'error',
  critical: 'error',
};
const TRUE = new Set(['1', 'true', 'yes', 'on']);
const FALSE = new Set(['0', 'false', 'no', 'off']);
const TOKEN = /^[\w!#$%&'*+.^`|~-]+$/;

/** One of these words. */
export function choice<T extends string>(name: string, value: string, choices: readonly T[]): T {
  const found = choices.find((one) => one === value);
  if (found !== undefined) return found;
  throw new UsageError(`${name} is one of ${choices.join(', ')}; not "${value}"`);
}

export function logLevel(value: string): LogLevel {
  const key = value.toLowerCase();
  const level = Object.hasOwn(LEVELS, key) ? LEVELS[key] : undefined;
  if (level !== undefined) return level;
  throw new UsageError(`--log-level is one of ${Object.keys(LEVELS).join(', ')}; not "${value}"`);
}

export function port(name: string, value: string): number {
  if (/^\d{1,5}$/.test(value) && Number(value) <= 65_535) return Number(value);
  throw new UsageError(`${name} is a whole number from 0 (a free port) to 65535; not "${value}"`);
}

/** An address to listen on, without the brackets that IPv6 has in a URL. */
export function host(name: string, value: string): string {
  if (value.trim() === '') throw new UsageError(`${name} is empty`);
  return value.replace(/^\[(.*)\]$/, '$1');
}

/** Seconds, fractions allowed, as milliseconds. */
export function seconds(name: string, value: string, most = MAX_SECONDS): number {
  const number = /^\d+(?:\.\d*)?$|^\.\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number <= most) return Math.ceil(number * 1000);
  throw new UsageError(`${name} is a number of seconds from 0 to ${most}; not "${value}"`);
}

/** The same, but not none at all. */
export function someSeconds(name: string, value: string): number {
  const ms = seconds(name, value);
  if (ms > 0) return ms;
  throw new UsageError(`${name} is a number of seconds, more than 0; not "${value}"`);
}

/** How many of something there may be: one at least. */
export function count(name: string, value: string): number {
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (number >= 1 && Number.isSafeInteger(number)) return number;
  throw new UsageError(`${name} is a whole number, 1 or more; not "${value}"`);
}

/** Octets. */
export function size(name: string, value: string): number {
  const octets = parseSize(value);
  if (octets !== undefined) return octets;
  const most = `${MAX_SIZE / 1_000_000}MB`;
  throw new UsageError(`${name} is a size of 1 to ${most}, as in 1048576, 10MB or 64MiB; not "${value}"`);
}

/** TLS verification: on, off, or the path of a CA bundle. */
export function verification(value: string | undefined): boolean | string {
  if (value === undefined) return true;
  const word = value.trim().toLowerCase();
  if (TRUE.has(word)) return true;
  if (FALSE.has(word)) return false;
  if (word === '')
    throw new UsageError('--verify-ssl has an empty value; give true, false or the path of a PEM file');
  return value;
}

/** An http(s) URL. It is not shown: it may hold a password. */
export function httpUrl(what: string, value: string): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new UsageError(`${what} is no valid http or https URL`);
}

/** An https URL with a path, as it was written: it is a name, too. */
export function httpsUrl(name: string, value: string): string {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url?.protocol === 'https:' && url.pathname !== '/') return value;
  throw new UsageError(`${name} is an https URL with a path, as in https://app.example/client.json`);
}

/** An address to which secrets are sent: https, or http on this machine. */
export function secureUrl(name: string, value: string): URL {
  if (isSecureUrl(value)) return new URL(value);
  throw new UsageError(`${name} is an https URL without user and fragment (http on this machine only)`);
}

/** A path prefix without a slash at its end; empty: none. */
export function basePath(value: string): string {
  const path = parseBasePath(value);
  if (path !== undefined) return path;
  throw new UsageError(`--base-path is a path such as /tools, percent-encoded where needed; not "${value}"`);
}

/** A host name without scheme and port, in lower case; `*` is every one. */
export function hostName(name: string, value: string): string {
  const host = value.trim().toLowerCase();
  if (host === '*' || (URL.canParse(`http://${host}`) && new URL(`http://${host}`).hostname === host))
    return host;
  throw new UsageError(
    `${name} is a host name such as tools.example, without scheme and port; not "${value}"`,
  );
}

/** Names of headers; several may stand in one word, separated by commas. */
export function headerNames(name: string, value: string): string[] {
  const names = value.split(',').map((one) => one.trim());
  if (names.every((one) => TOKEN.test(one))) return names;
  throw new UsageError(`${name} is the name of a header; not "${value}"`);
}

/** The name of a header of the user's. What follows a wrong character may be its value, and is not shown. */
export function headerName(name: string, key: string): string {
  if (TOKEN.test(key)) return key;
  const begin = /^[\w!#$%&'*+.^`|~-]*/.exec(key)?.[0] ?? '';
  throw new UsageError(
    `${name} takes two words, the name of a header and its value: ${name} ${begin || 'KEY'} VALUE`,
  );
}

/** The name of an environment variable. What follows `=` is a value, and is not shown. */
export function variableName(name: string, key: string): string {
  const equals = key.indexOf('=');
  if (equals < 0 && key !== '') return key;
  const begin = equals < 0 ? '' : key.slice(0, equals);
  throw new UsageError(`${name} takes two words, a name and a value: ${name} ${begin || 'KEY'} VALUE`);
}
