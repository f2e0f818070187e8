/** What a row of the specification's requirements holds. */

/** A revision of the specification. */
type Revision = '2024-11-05' | '2025-03-26' | '2025-06-18' | '2025-11-25' | '2026-07-28';

export interface Requirement {
  /** area.subject.rule, stable: tests cite it. */
  readonly id: string;
  readonly level: 'MUST' | 'MUST NOT' | 'SHOULD' | 'SHOULD NOT';
  /** The revisions that ask it. */
  readonly versions: readonly Revision[];
  /** Which half of the proxy it binds: towards the client, towards the server, or both. */
  readonly side: 'downstream' | 'upstream' | 'both';
  /** What it asks, in our own words. */
  readonly text: string;
  /** Page and section in the specification's repository; the newest revision that has it. */
  readonly source: string;
}

export const EVERY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
/** The revisions that have Streamable HTTP. */
export const STREAMABLE = ['2025-03-26', '2025-06-18', '2025-11-25'] as const;
export const SINCE_2025_06 = ['2025-06-18', '2025-11-25'] as const;
export const SINCE_2025_11 = ['2025-11-25'] as const;
/** Batches came with this revision and went with the next. */
export const WITH_BATCHES = ['2025-03-26'] as const;
export const WITH_SSE = ['2024-11-05'] as const;
/** The modern era. */
export const MODERN = ['2026-07-28'] as const;
/** What no revision has changed. */
export const BOTH_ERAS = [...EVERY, ...MODERN] as const;

export const PAGES = 'docs/specification';
