import type { Conversation } from '../../../src/observability/conversation.js';

/** A conversation of which nothing is known but its server. */
export const CONVERSATION: Conversation = {
  server: 's',
  shownId: undefined,
  transport: 'stdio',
  era: 'legacy',
  principal: undefined,
  client: undefined,
  version: () => undefined,
};
