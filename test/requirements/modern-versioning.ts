/** How the era and the version of a server are found out, and what a client may find out of them. */
import { MODERN, PAGES, type Requirement } from './row.js';

const PAGE = `${PAGES}/2026-07-28`;

export const modernVersioning = [
  {
    id: 'modern.era.probed',
    level: 'SHOULD',
    versions: MODERN,
    side: 'upstream',
    text: 'A server is asked with server/discover, in the preferred modern version, before anything else.',
    source: `${PAGE}/basic/transports/stdio.mdx#backward-compatibility`,
  },
  {
    id: 'modern.era.modern',
    level: 'MUST',
    versions: MODERN,
    side: 'upstream',
    text: 'A discovery, or an error that only modern servers have, proves a modern server; one that names a version which is known is spoken to in that, not with initialize.',
    source: `${PAGE}/basic/transports/stdio.mdx#backward-compatibility`,
  },
  {
    id: 'modern.era.legacy',
    level: 'MUST',
    versions: MODERN,
    side: 'upstream',
    text: 'Any other answer, and silence, mean the legacy era: initialize follows.',
    source: `${PAGE}/basic/transports/stdio.mdx#backward-compatibility`,
  },
  {
    id: 'modern.era.no-one-code',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'upstream',
    text: 'No single error code decides that a server is a legacy one.',
    source: `${PAGE}/basic/transports/stdio.mdx#backward-compatibility`,
  },
  {
    id: 'modern.era.end',
    level: 'SHOULD',
    versions: MODERN,
    side: 'upstream',
    text: 'A process that ends when it is asked is started again without the question.',
    source: `${PAGE}/basic/transports/stdio.mdx#backward-compatibility`,
  },
  {
    id: 'modern.era.remembered',
    level: 'SHOULD',
    versions: MODERN,
    side: 'upstream',
    text: 'What a server speaks is found out once, and again only where what was found no longer holds.',
    source: `${PAGE}/basic/versioning.mdx#backward-compatibility-with-initialization-based-versions`,
  },
  {
    id: 'modern.era.proves-nothing',
    level: 'SHOULD NOT',
    versions: MODERN,
    side: 'upstream',
    text: 'What does not come from the MCP server itself (401, 403, 5xx, a broken connection) is no proof of an era.',
    source: `${PAGE}/basic/transports/streamable-http.mdx#backward-compatibility`,
  },
  {
    id: 'modern.discover.answered',
    level: 'MUST',
    versions: MODERN,
    side: 'downstream',
    text: 'server/discover is answered, also in place of a remote server that is slow or fails; such an answer must not be kept.',
    source: `${PAGE}/server/discover.mdx`,
  },
  {
    id: 'modern.initialize.versions-named',
    level: 'SHOULD',
    versions: MODERN,
    side: 'downstream',
    text: 'An initialize that fails because no version fits is refused with the versions that the server supports.',
    source: `${PAGE}/basic/versioning.mdx#backward-compatibility-with-initialization-based-versions`,
  },
] as const satisfies readonly Requirement[];
