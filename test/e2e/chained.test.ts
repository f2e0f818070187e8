/** client → mcp-proxy URL → mcp-proxy --port → stdio server: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { chained } from './harness/paths.js';

passesThrough(chained('streamable'));
passesThrough(chained('sse'));
