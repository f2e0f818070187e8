/**
 * What the specification asks of a proxy, as data: every MUST and SHOULD of the revisions of both eras that
 * binds someone who stands between a client and a server, and what becomes of each method, notification and
 * error where the two are of different eras. In: what the proxy is itself, the server to its clients and the
 * client to its servers, and what it could spoil by standing there. Out: what binds only the end client or the
 * end server (a relay passes it on), which is what they show to people and do with schemas, icons and URLs; the
 * validation of tool schemas; custom transports.
 *
 * One file for each subject: the legacy era (`sse`, `streamable-http-*`, `messages`, `lifecycle`, `features`),
 * the modern era (`modern-*`), both (`stdio`, `authorization`), and across the two (`eras-*`). A test cites what it shows with
 * `req` in its title; requirements.test.ts fails on a row that nobody cites.
 */

import { authorization } from './requirements/authorization.js';
import { erasLegacyClient } from './requirements/eras-legacy-client.js';
import { erasModernClient } from './requirements/eras-modern-client.js';
import { features } from './requirements/features.js';
import { lifecycle } from './requirements/lifecycle.js';
import { messages } from './requirements/messages.js';
import { modernCaching } from './requirements/modern-caching.js';
import { modernHttpDownstream } from './requirements/modern-http-downstream.js';
import { modernHttpUpstream } from './requirements/modern-http-upstream.js';
import { modernMessages } from './requirements/modern-messages.js';
import { modernPatterns } from './requirements/modern-patterns.js';
import { modernStdio } from './requirements/modern-stdio.js';
import { modernVersioning } from './requirements/modern-versioning.js';
import { sse } from './requirements/sse.js';
import { stdio } from './requirements/stdio.js';
import { streamableHttpDownstream } from './requirements/streamable-http-downstream.js';
import { streamableHttpUpstream } from './requirements/streamable-http-upstream.js';

export const REQUIREMENTS = [
  ...streamableHttpDownstream,
  ...streamableHttpUpstream,
  ...modernHttpUpstream,
  ...modernHttpDownstream,
  ...sse,
  ...stdio,
  ...messages,
  ...lifecycle,
  ...features,
  ...modernMessages,
  ...modernVersioning,
  ...modernStdio,
  ...modernPatterns,
  ...modernCaching,
  ...erasModernClient,
  ...erasLegacyClient,
  ...authorization,
] as const;

/** The id of a row; a mistyped one does not compile. */
export type RequirementId = (typeof REQUIREMENTS)[number]['id'];

/** Cites rows in a test's title: `it(`${req('sse.endpoint-event')} …`)`. */
export function req(...ids: readonly RequirementId[]): string {
  return `[${ids.join(' ')}]`;
}
