import { asRecord } from '../jsonrpc/message.js';
import { NEWEST_LEGACY_VERSION } from '../relay/handshake.js';
import type { Envelope } from './envelope.js';

/** The tasks of the modern era are another protocol than those of 2025-11-25: neither is to be started across eras. */
const TASKS_EXTENSION = 'io.modelcontextprotocol/tasks';

/**
 * The params of the handshake that begins a session of the legacy era for a client of the modern era.
 *
 * @param own what the proxy says of itself, for a client that does not say who it is
 */
export function initializeOf({ capabilities, clientInfo }: Envelope, own: object): Record<string, unknown> {
  const { extensions, tasks: _, ...known } = capabilities;
  const passed = Object.entries(asRecord(extensions)).filter(([name]) => name !== TASKS_EXTENSION);
  return {
    protocolVersion: NEWEST_LEGACY_VERSION,
    capabilities: passed.length === 0 ? known : { ...known, extensions: Object.fromEntries(passed) },
    clientInfo: clientInfo ?? own,
  };
}
