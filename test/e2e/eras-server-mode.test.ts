/** client → mcp-proxy --port → stdio server, where the server speaks the modern era: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { serverMode } from './harness/paths.js';

const eras = { client: 'legacy', server: 'modern' } as const;

passesThrough(serverMode('streamable', { eras }));
passesThrough(serverMode('sse', { eras, without: ['long lines'] }));
passesThrough(serverMode('streamable', { eras, dual: true, without: ['long lines'] }));
passesThrough(serverMode('sse', { eras, dual: true, without: ['long lines'] }));
