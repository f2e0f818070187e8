import { childFaults } from './child.js';
import { STREAMABLE } from './harness/world.js';

childFaults(STREAMABLE);
