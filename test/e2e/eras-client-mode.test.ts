/** client → mcp-proxy URL → a server over HTTP, where either speaks the modern era: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { clientMode, clientModeModern } from './harness/paths.js';

passesThrough(clientModeModern('legacy'));
passesThrough(clientModeModern('legacy', { dual: true }));
for (const negotiates of [false, true]) {
  passesThrough(clientMode('streamable', { client: 'modern', negotiates }));
  passesThrough(clientMode('sse', { client: 'modern', negotiates }));
  passesThrough(clientModeModern('modern', { negotiates }));
  passesThrough(clientModeModern('modern', { dual: true, negotiates }));
}
