import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Progress } from '../../../../src/eras/legacy-client/progress.js';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { inputRequired, read, Stage } from './stage.js';

function told(progress: Progress, params: string): string | undefined {
  const text = `{"jsonrpc":"2.0","method":"notifications/progress","params":${params}}`;
  return progress
    .take(message(text))
    ?.text.slice('{"jsonrpc":"2.0","method":"notifications/progress","params":'.length, -1);
}

describe('the progress of a call', () => {
  it('of one round is the server’s own', () => {
    const progress = new Progress();
    for (const params of [
      '{"progressToken":1,"progress":1.0,"total":2e1}',
      '{"progress":0,"progressToken":1}',
      '{"progressToken":1,"progress":"x"}',
    ]) {
      expect(told(progress, params)).toBe(params);
    }
  });

  it.each([
    // What was reached, then in the next round: what the server says, and what the client is told.
    [
      [1, 2],
      ['{"progressToken":1,"progress":1,"total":4}', '{"progressToken":1,"progress":3,"total":6}'],
    ],
    [
      [1, 2],
      ['{"progressToken":1,"progress":3,"total":4.0}', '{"progressToken":1,"progress":3,"total":4.0}'],
    ],
    [
      [5],
      [
        '{"progress":0,"progressToken":1,"message":"\\u00e9"}',
        '{"progress":6,"progressToken":1,"message":"\\u00e9"}',
      ],
    ],
    [
      [0.5],
      [
        '{"progressToken":1,"progress":0.25,"total":null}',
        '{"progressToken":1,"progress":0.75,"total":null}',
      ],
    ],
    [[], ['{"progressToken":1,"progress":0}', '{"progressToken":1,"progress":0}']],
    [[9e15], ['{"progressToken":1,"progress":0.1}', undefined]],
  ])(`${req('legacy-client.progress')} after %j goes on`, (before, [said = '', expected]) => {
    const progress = new Progress();
    for (const value of before) told(progress, `{"progressToken":1,"progress":${value}}`);
    progress.nextRound();
    expect(told(progress, said)).toBe(expected);
  });

  it(`${req('legacy-client.progress')} increases over any rounds that increase`, () => {
    const value = fc.double({ min: -1e6, max: 1e6, noNaN: true });
    const round = fc.uniqueArray(value, { maxLength: 5 }).map((values) => values.sort((a, b) => a - b));
    fc.assert(
      fc.property(fc.array(round, { maxLength: 5 }), (rounds) => {
        const progress = new Progress();
        const heard: number[] = [];
        for (const values of rounds) {
          for (const one of values) {
            const params = told(progress, `{"progressToken":1,"progress":${JSON.stringify(one)}}`);
            if (params !== undefined) heard.push(JSON.parse(params).progress);
          }
          progress.nextRound();
        }
        expect(heard.every((one, i) => i === 0 || one > (heard[i - 1] ?? Number.NaN))).toBe(true);
      }),
    );
  });

  it('goes to the call, while it is open', () => {
    const stage = Stage.ready();
    const first = stage.calls('"c"', { name: 't', _meta: { progressToken: 'p' } });
    stage.says('notifications/progress', { progressToken: 'p', progress: 1 });
    stage.answers(first, inputRequired(undefined, 's'));
    const second = stage.server.takeOne();
    expect(read(second).params._meta.progressToken).toBe('p');
    stage.says('notifications/progress', { progressToken: 'p', progress: 1 });
    stage.says('notifications/progress', { progressToken: 'other', progress: 1 });
    const heard = stage.client.takeAll();
    expect(heard.map(({ text, about }) => [read(text).params.progress, about])).toEqual([
      [1, '"c"'],
      [2, '"c"'],
    ]);
    stage.answers(second, { resultType: 'complete', content: [] });
    stage.client.take();
    stage.says('notifications/progress', { progressToken: 'p', progress: 9 });
    expect(stage.client.take()).toEqual([]);
  });
});
