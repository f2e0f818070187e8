import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { GONE } from '../../relay/stage.js';
import { Play, type Setting } from './play.js';
import { read } from './stage.js';

const CAPABILITIES: readonly object[] = [
  {},
  { roots: { listChanged: true } },
  { roots: {}, sampling: {} },
  { roots: {}, sampling: {}, elicitation: {} },
  { roots: {}, sampling: { tools: {} }, elicitation: { form: {}, url: {} }, tasks: { list: {} } },
  { elicitation: { url: {} } },
];
const SERVERS: readonly object[] = [
  {},
  { tools: {}, logging: {} },
  {
    tools: { listChanged: true },
    prompts: { listChanged: true },
    resources: { listChanged: true, subscribe: true },
    extensions: { 'io.modelcontextprotocol/tasks': {}, 'io.modelcontextprotocol/ui': {} },
  },
];

const setting: fc.Arbitrary<Setting> = fc
  .record({
    version: fc.constantFrom('2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'),
    capabilities: fc.constantFrom(...CAPABILITIES),
    serverCapabilities: fc.constantFrom(...SERVERS),
  })
  .filter(
    ({ version, capabilities }) =>
      version === '2025-11-25' || !/elicitation.*url/.test(JSON.stringify(capabilities)),
  )
  .filter(({ version, capabilities }) => version >= '2025-06-18' || !('elicitation' in capabilities));

type Act = readonly [what: number, which: number, how: number];

const ACTS: readonly ((play: Play, which: number, how: number) => void)[] = [
  (play, _, how) => play.asks(how),
  (play, _, how) => play.asks(how),
  (play, _, how) => play.asks(how % 3),
  (play, _, how) => play.asksLocally(how),
  (play, which) => play.cancels(which),
  (play, which, how) => play.replies(which, how),
  (play, which, how) => play.replies(which, how),
  (play, which, how) => play.serves(which, how, 'ask'),
  (play, which, how) => play.serves(which, how, 'ask'),
  (play, which, how) => play.serves(which, how, 'answer'),
  (play, which, how) => play.serves(which, how, 'answer'),
  (play, which, how) => play.serves(which, how, 'say'),
  (play, which, how) => play.serves(which, how - (how % 2), 'say'),
  // A call that is asked in the middle of its progress.
  (play, which, how) => {
    play.serves(which, 0, 'say');
    play.serves(which, how, 'ask');
    play.replies(0, 0);
    play.serves(which, 0, 'say');
  },
  (play, which, how) => play.serves(which, how, 'fail'),
  (play, _, how) => {
    play.notifies('notifications/roots/list_changed');
    play.stage.clock.advance(how * 50);
    play.check();
  },
];

const act: fc.Arbitrary<Act> = fc.tuple(
  fc.nat({ max: ACTS.length - 1 }),
  fc.nat({ max: 7 }),
  fc.nat({ max: 63 }),
);

function perform(play: Play, [what, which, how]: Act): void {
  ACTS[what]?.(play, which, how);
}

describe('whatever a legacy client and a modern server legally do', () => {
  it(`${req('legacy-client.retry-id', 'legacy-client.questions')} each gets only what its own revision allows, and every call one answer`, () => {
    fc.assert(
      fc.property(setting, fc.array(act, { maxLength: 60 }), (given, acts) => {
        const play = new Play(given);
        for (const one of acts) perform(play, one);
        play.finish();
      }),
      { numRuns: 200 },
    );
  });

  it('the end of the server answers whatever is open', () => {
    fc.assert(
      fc.property(setting, fc.array(act, { maxLength: 40 }), (given, acts) => {
        const play = new Play(given);
        for (const one of acts) perform(play, one);
        play.stage.server.goes(GONE);
        const told = play.stage.client.take().map((text) => JSON.stringify(read(text).id));
        expect(told.sort()).toEqual([...play.open.keys()].sort());
        expect(play.stage.client.closings).toEqual([GONE]);
        expect(play.stage.clock.timers).toBe(0);
        expect(play.stage.server.sentTooLate).toEqual([]);
      }),
      { numRuns: 100 },
    );
  });
});
