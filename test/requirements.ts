/**
 * What the specification asks of a proxy, as data: every MUST and SHOULD of the revisions that binds
 * someone who stands between a client and a server. What binds only the end client or the end server is not
 * here (a relay passes it on), nor is authentication. A test cites what it shows with `req` in its title;
 * requirements.test.ts fails on a row that nobody cites.
 */

import { erasLegacyClient } from './requirements/eras-legacy-client.js';
import { erasModernClient } from './requirements/eras-modern-client.js';
import { features } from './requirements/features.js';
import { lifecycle } from './requirements/lifecycle.js';
import { messages } from './requirements/messages.js';
import { modernHttpDownstream } from './requirements/modern-http-downstream.js';
import { modernHttpUpstream } from './requirements/modern-http-upstream.js';
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
  ...erasModernClient,
  ...erasLegacyClient,
] as const;

/** The id of a row; a mistyped one does not compile. */
export type RequirementId = (typeof REQUIREMENTS)[number]['id'];

/** Cites rows in a test's title: `it(`${req('sse.endpoint-event')} …`)`. */
export function req(...ids: readonly RequirementId[]): string {
  return `[${ids.join(' ')}]`;
}
