import { LEGACY_VERSIONS } from '../relay/handshake.js';

/**
 * The two eras of MCP (2026-07-28, `basic/versioning`, "Terminology"): `legacy` begins a session with
 * `initialize`; `modern` says version, identity and capabilities with every request.
 */
export type Era = 'legacy' | 'modern';

/** Versions of the modern era that the proxy knows, the newest first. */
export const MODERN_VERSIONS = ['2026-07-28'] as const;
export const NEWEST_MODERN_VERSION = MODERN_VERSIONS[0];

/** Every version that the proxy serves, the newest first. */
export const ALL_VERSIONS: readonly string[] = [...MODERN_VERSIONS, ...LEGACY_VERSIONS];

/** Whether this is a version of the modern era that the proxy knows. */
export function isModernVersion(version: unknown): version is (typeof MODERN_VERSIONS)[number] {
  return MODERN_VERSIONS.some((known) => known === version);
}

/** Versions that are shown, and characters of each: they are the server's own words. */
const MAX_SHOWN = 5;
const LONGEST = 40;

/**
 * What a modern server supports, as it is shown to people: the newest version that the proxy knows too, or else
 * the versions that the server names. Undefined where it names none.
 */
export function shownVersion(supported: readonly unknown[]): string | undefined {
  const known = MODERN_VERSIONS.find((version) => supported.includes(version));
  if (known !== undefined) return known;
  const named = supported.filter((version) => typeof version === 'string');
  return named.length === 0 ? undefined : shownVersions(named);
}

/** Versions in a server's own words, bounded and harmless. */
export function shownVersions(versions: readonly string[]): string {
  const printable = versions.map((version) => version.slice(0, LONGEST).replace(/[^\x20-\x7e]/g, '?'));
  return printable.slice(0, MAX_SHOWN).join(', ');
}
