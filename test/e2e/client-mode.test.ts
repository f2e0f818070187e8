/** client → mcp-proxy URL → a server made with the official SDK: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { clientMode } from './harness/paths.js';

passesThrough(clientMode('streamable'));
passesThrough(clientMode('streamable', { env: { EVENT_STORE: '1' }, name: ' with event ids' }));
passesThrough(clientMode('sse'));
