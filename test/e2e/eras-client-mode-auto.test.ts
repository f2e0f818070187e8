/**
 * The same for a client that finds the era out, for which it starts the command twice: once to ask, and once
 * more to stay.
 */
import { passesThrough } from './harness/pass-through.js';
import { clientMode, clientModeModern } from './harness/paths.js';

const auto = { negotiates: true, without: ['long lines'] } as const;

passesThrough(clientMode('streamable', { client: 'modern', ...auto }));
passesThrough(clientMode('sse', { client: 'modern', ...auto, without: ['long lines'] }));
passesThrough(clientModeModern('modern', auto));
passesThrough(clientModeModern('modern', { dual: true, ...auto }));
