/** Child processes that break, behind the built command: every fault for every way to share a process. */
import { afterEach, describe, it } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { ARRANGEMENTS, type Place, World } from './harness/world.js';
import { CRASH_LOOP } from './rows/crash-loop.js';
import { DEATHS } from './rows/deaths.js';
import { ENDINGS } from './rows/endings.js';
import { RECOVERY } from './rows/recovery.js';

const FAULTS = [...DEATHS, ...RECOVERY, ...CRASH_LOOP, ...ENDINGS];

/** The faults in front of clients of a transport. One file for each, so that they run side by side. */
export function childFaults(transport: Place['transport']): void {
  const scope = new Scope();
  afterEach(() => scope.end());

  for (const arrangement of ARRANGEMENTS) {
    describe(`${arrangement.title}, ${transport.title}`, () => {
      const faults = FAULTS.filter(({ on }) => on?.includes(arrangement.name) ?? true);
      it.each(faults)('$title', async ({ options, run }) => {
        await run(await World.open({ scope, arrangement, transport }, options));
      });
    });
  }
}
