/** client → mcp-proxy URL → mcp-proxy --port → stdio server, across the eras: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { chained } from './harness/paths.js';

passesThrough(chained('streamable', { eras: { client: 'legacy', server: 'modern' } }));
passesThrough(chained('streamable', { eras: { client: 'modern', server: 'legacy' } }));
passesThrough(chained('streamable', { eras: { client: 'modern', server: 'modern' } }));
// Over HTTP+SSE there is only the legacy era.
passesThrough(chained('sse', { eras: { client: 'legacy', server: 'modern' } }));
passesThrough(chained('sse', { eras: { client: 'modern', server: 'legacy' } }));
