/** A client of the modern era → mcp-proxy --port → stdio server of either era: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { serverMode } from './harness/paths.js';

const translated = { client: 'modern', server: 'legacy' } as const;
const same = { client: 'modern', server: 'modern' } as const;

passesThrough(serverMode('streamable', { eras: translated, options: ['--sharing', 'auto'] }));
passesThrough(serverMode('streamable', { eras: translated, options: ['--sharing', 'shared'] }));
passesThrough(serverMode('streamable', { eras: same }));
passesThrough(serverMode('streamable', { eras: same, dual: true }));
