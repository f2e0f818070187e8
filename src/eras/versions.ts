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
