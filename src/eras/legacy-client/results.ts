/** Results of a modern server, where they hold what the schema of the legacy era refuses. */
import { answerOf, type Message } from '../../jsonrpc/message.js';
import { withAnswer } from '../../jsonrpc/rewrite.js';
import type { Wire } from '../../jsonrpc/wire.js';
import { downgradedResult, type LegacyVersion } from './downgrade.js';
import { legacyOutput, legacyTool, withElements, withMember } from './loosened.js';

/**
 * A result as a client of this version can read it. It goes through as it is but for what 2026-07-28 has loosened,
 * and what that version does not have.
 */
export function legacyResult(method: Wire, response: Message, version: LegacyVersion): Message {
  const result = answerOf(response);
  const legacy = downgradedResult(method, tightened(method, result), version);
  return legacy === result ? response : (withAnswer(response, legacy) ?? response);
}

function tightened(method: Wire, result: Wire): Wire {
  if (method === 'tools/list') {
    return withMember(result, 'tools', (tools) => withElements(tools, legacyTool));
  }
  // Results can be very large, and few have it.
  if (method === 'tools/call' && result.includes('"structuredContent"')) return legacyOutput(result);
  return result;
}
