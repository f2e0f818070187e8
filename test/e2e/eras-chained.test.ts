/** client → mcp-proxy URL → mcp-proxy --port → stdio server, across the eras: all that passes through. */
import { passesThrough } from './harness/pass-through.js';
import { chained } from './harness/paths.js';

const without = ['long lines'] as const;

passesThrough(chained('streamable', { eras: { client: 'legacy', server: 'modern' }, without }));
passesThrough(
  chained('streamable', {
    eras: { client: 'modern', server: 'legacy' },
    without: ['one process', ...without],
  }),
);
passesThrough(chained('streamable', { eras: { client: 'modern', server: 'modern' }, without }));
// Over HTTP+SSE there is only the legacy era.
passesThrough(chained('sse', { eras: { client: 'legacy', server: 'modern' }, without }));
passesThrough(
  chained('sse', { eras: { client: 'modern', server: 'legacy' }, without: ['asking at once', ...without] }),
);
