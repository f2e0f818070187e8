/** client → mcp-proxy --port → stdio server: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { serverMode } from './harness/paths.js';

passesThrough(serverMode('streamable'));
passesThrough(serverMode('sse'));
