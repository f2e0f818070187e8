/** Without a proxy: the cases are right, whatever the proxy does. */
import { passesThrough } from './harness/pass-through.js';
import { DIRECT, DIRECT_DUAL, DIRECT_MODERN, DIRECT_MODERN_HTTP } from './harness/paths.js';

passesThrough(DIRECT);
passesThrough(DIRECT_MODERN);
passesThrough(DIRECT_MODERN_HTTP);
passesThrough(DIRECT_DUAL);
