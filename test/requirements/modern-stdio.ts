/** What stdio of the modern era asks, of the client, which the proxy is to its processes, and of the server, which it is in client mode. */
import { MODERN, PAGES, type Requirement } from './row.js';

const PAGE = `${PAGES}/2026-07-28/basic/transports/stdio.mdx`;

export const modernStdio = [
  {
    id: 'modern-stdio.no-responses',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'upstream',
    text: 'No response is written to a server, whatever it or a client sends.',
    source: `${PAGE}#sending-messages`,
  },
  {
    id: 'modern-stdio.no-requests',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'downstream',
    text: 'No request is written to a client.',
    source: `${PAGE}#receiving-messages`,
  },
  {
    id: 'modern-stdio.correlated',
    level: 'MUST',
    versions: MODERN,
    side: 'upstream',
    text: 'Notifications of subscriptions are told apart by their subscription id, whoever listens to one process.',
    source: `${PAGE}#receiving-messages`,
  },
  {
    id: 'modern-stdio.cancel-sent',
    level: 'MUST',
    versions: MODERN,
    side: 'upstream',
    text: 'A request that its client gives up, on any transport, is cancelled with notifications/cancelled, which names the id that the server knows.',
    source: `${PAGE}#cancellation`,
  },
  {
    id: 'modern-stdio.cancelled-silence',
    level: 'MUST NOT',
    versions: MODERN,
    side: 'downstream',
    text: 'Nothing is written any more for a request that the client has cancelled.',
    source: `${PAGE}#cancellation`,
  },
  {
    id: 'modern-stdio.both-eras',
    level: 'MUST',
    versions: MODERN,
    side: 'downstream',
    text: 'On stdin too, a request with modern _meta is served by itself, one without a required field of it is refused, and initialize begins a legacy session.',
    source: `${PAGE}#request-metadata`,
  },
  {
    id: 'modern-stdio.listen-lost',
    level: 'MUST',
    versions: MODERN,
    side: 'downstream',
    text: 'A subscription that is lost at a remote server ends for a client on stdio with notifications/cancelled.',
    source: `${PAGES}/2026-07-28/basic/patterns/cancellation.mdx`,
  },
  {
    id: 'modern-stdio.exits',
    level: 'SHOULD',
    versions: MODERN,
    side: 'downstream',
    text: 'The proxy ends when its stdin is closed.',
    source: `${PAGE}#shutdown`,
  },
  {
    id: 'modern-stdio.restarted',
    level: 'SHOULD',
    versions: MODERN,
    side: 'upstream',
    text: 'A process that ended is started again for the next request; what was open on it is lost, and its clients are told.',
    source: `${PAGE}#unexpected-termination`,
  },
  {
    id: 'modern-stdio.listens-again',
    level: 'MUST',
    versions: MODERN,
    side: 'upstream',
    text: 'A subscription that was lost with its process ends, so that it can be opened again, and it can.',
    source: `${PAGE}#unexpected-termination`,
  },
] as const satisfies readonly Requirement[];
