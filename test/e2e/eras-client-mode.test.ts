/** client → mcp-proxy URL → a server over HTTP, where either speaks the modern era: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { clientMode, clientModeModern } from './harness/paths.js';

passesThrough(clientModeModern('legacy', { without: ['long lines'] }));
passesThrough(clientModeModern('legacy', { dual: true, without: ['long lines'] }));
passesThrough(clientMode('streamable', { client: 'modern' }));
passesThrough(clientMode('sse', { client: 'modern', without: ['long lines'] }));
passesThrough(clientModeModern('modern'));
passesThrough(clientModeModern('modern', { dual: true, without: ['long lines'] }));
