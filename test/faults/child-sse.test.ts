import { childFaults } from './child.js';
import { SSE } from './harness/world.js';

childFaults(SSE);
