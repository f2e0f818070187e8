/** Without a proxy: the cases are right, whatever the proxy does. */
import { passesThrough } from './harness/pass-through.js';
import { DIRECT } from './harness/paths.js';

passesThrough(DIRECT);
