/** What HTTP+SSE asks, on both sides. */
import { PAGES, type Requirement, WITH_SSE } from './row.js';

export const sse = [
  {
    id: 'sse.two-endpoints',
    level: 'MUST',
    versions: WITH_SSE,
    side: 'downstream',
    text: 'There is one endpoint for the event stream and one for POST.',
    source: `${PAGES}/2024-11-05/basic/transports.mdx#http-with-sse`,
  },
  {
    id: 'sse.endpoint-event',
    level: 'MUST',
    versions: WITH_SSE,
    side: 'downstream',
    text: 'A client that connects is sent an endpoint event with the URI to post to.',
    source: `${PAGES}/2024-11-05/basic/transports.mdx#http-with-sse`,
  },
  {
    id: 'sse.origin.validated',
    level: 'MUST',
    versions: WITH_SSE,
    side: 'downstream',
    text: 'The Origin header of every connection is checked.',
    source: `${PAGES}/2024-11-05/basic/transports.mdx#security-warning`,
  },
  {
    id: 'sse.bind.localhost',
    level: 'SHOULD',
    versions: WITH_SSE,
    side: 'downstream',
    text: 'A local server listens on the loopback address only.',
    source: `${PAGES}/2024-11-05/basic/transports.mdx#security-warning`,
  },
  {
    id: 'sse.client.posts-to-endpoint',
    level: 'MUST',
    versions: WITH_SSE,
    side: 'upstream',
    text: 'Every message to the server is a POST to the URI of the endpoint event.',
    source: `${PAGES}/2024-11-05/basic/transports.mdx#http-with-sse`,
  },
] as const satisfies readonly Requirement[];
