/** A client of the modern era → mcp-proxy --port → stdio server of either era: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { serverMode } from './harness/paths.js';

const translated = { client: 'modern', server: 'legacy' } as const;
const same = { client: 'modern', server: 'modern' } as const;
const auto = ['--sharing', 'auto'];
const shared = ['--sharing', 'shared'];

passesThrough(serverMode('streamable', { eras: translated, options: auto, without: ['one process'] }));
passesThrough(
  serverMode('streamable', { eras: translated, options: auto, without: ['asking', 'long lines'] }),
);
passesThrough(
  serverMode('streamable', {
    eras: translated,
    options: shared,
    without: ['asking at once', 'own greeting', 'long lines'],
  }),
);
passesThrough(serverMode('streamable', { eras: same, without: ['long lines'] }));
passesThrough(serverMode('streamable', { eras: same, dual: true, without: ['long lines'] }));
passesThrough(
  serverMode('streamable', { eras: translated, negotiates: true, without: ['one process', 'long lines'] }),
);
passesThrough(serverMode('streamable', { eras: same, negotiates: true, without: ['long lines'] }));
