/** What caching asks of one who stands between: he may keep nothing that he does not keep rightly. */
import { MODERN, PAGES, type Requirement } from './row.js';

const PAGE = `${PAGES}/2026-07-28/server/utilities/caching.mdx`;

export const modernCaching = [
  {
    id: 'caching.key',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'both',
    text: 'No request is answered with what another has got: each reaches the server, also one that says the same.',
    source: `${PAGE}#cache-key`,
  },
  {
    id: 'caching.retries',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'both',
    text: 'The result of a retry answers that retry only.',
    source: `${PAGE}#cache-key`,
  },
  {
    id: 'caching.private',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'both',
    text: 'What one client got is given to no other.',
    source: `${PAGE}#cache-scope-field`,
  },
  {
    id: 'caching.hints-pass',
    level: 'MUST',
    versions: MODERN,
    side: 'both',
    text: 'The ttlMs and the cacheScope of a modern server reach the client as they are.',
    source: `${PAGE}#cacheable-results`,
  },
  {
    id: 'm2l.cacheable.ttl',
    level: 'MUST',
    versions: MODERN,
    side: 'downstream',
    text: 'The ttlMs that a legacy result gets is 0 or more; one that is no such number is replaced.',
    source: `${PAGE}#time-to-live-ttl-field`,
  },
  {
    id: 'm2l.cacheable.pages',
    level: 'MUST',
    versions: MODERN,
    side: 'downstream',
    text: 'All pages of a legacy list have the same cacheScope.',
    source: `${PAGE}#interaction-with-pagination`,
  },
  {
    id: 'm2l.cacheable.not-questions',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'downstream',
    text: 'A result that asks has no caching hints.',
    source: `${PAGE}#cacheable-results`,
  },
] as const satisfies readonly Requirement[];
