/** What went wrong with a process is told to those whose it was. */
import { expect, it } from 'vitest';
import { Health } from '../../../src/servers/health.js';
import { guards } from '../../security.js';
import { HandClock } from '../relay/hand-clock.js';

const VALUES = 'x'.repeat(43);

it.each([
  ['hers', 'key:ann', ['key:ann', undefined], ['key:bob', `${VALUES} key:bob`, 'ann']],
  ['hers with values of requests', `${VALUES} key:ann`, ['key:ann', `${VALUES} key:ann`], ['key:bob', 'ann']],
  ["everybody's", undefined, ['key:ann', 'key:bob', undefined], []],
])(`${guards('access.others')} %s`, (_, owner, shown, hidden) => {
  const health = new Health(new HandClock());
  health.failed('the last words', owner);
  for (const asker of shown) expect(health.failureFor(asker), String(asker)).toBe('the last words');
  for (const asker of hidden) expect(health.failureFor(asker)).toBe('a process of another client has failed');
});
