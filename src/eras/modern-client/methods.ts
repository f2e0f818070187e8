/** Requests that may be answered with `input_required` (2026-07-28, `basic/patterns/mrtr`, "Supported Requests"). */
export const ASKING_METHODS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get', 'resources/read']);

/** What a server may ask of a client inside an `input_required` (the same page, "InputRequests"). */
export const QUESTION_METHODS: ReadonlySet<string> = new Set([
  'sampling/createMessage',
  'elicitation/create',
  'roots/list',
]);

/** Requests whose results are `CacheableResult`s (2026-07-28, `server/utilities/caching`). */
export const CACHEABLE_METHODS: ReadonlySet<string> = new Set([
  'server/discover',
  'tools/list',
  'prompts/list',
  'resources/list',
  'resources/templates/list',
  'resources/read',
]);

const LEGACY_ONLY: ReadonlySet<string> = new Set([
  'initialize',
  'ping',
  'logging/setLevel',
  'resources/subscribe',
  'resources/unsubscribe',
]);

/**
 * Whether the modern era has no such request. Tasks are there in both eras, as different protocols, so
 * that across eras there are none: neither those of 2025-11-25 nor those of the extension.
 */
export function isLegacyOnly(method: string): boolean {
  return LEGACY_ONLY.has(method) || method.startsWith('tasks/');
}
