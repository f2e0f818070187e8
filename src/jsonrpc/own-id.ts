import { toWire, type Wire } from './wire.js';

const RUN = Math.random().toString(36).slice(2);
let last = 0;

/** An id (raw JSON) for a request of the proxy's own among those of a client: no client will have given it. */
export function newOwnId(): Wire {
  last += 1;
  return toWire(`mcp-proxy-${RUN}-${last}`);
}
