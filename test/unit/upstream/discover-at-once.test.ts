import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DiscoverAtOnce } from '../../../src/upstream/discover-at-once.js';
import { message } from '../relay/memory-link.js';
import { read } from '../relay/stage.js';

const WAIT_MS = 1500;
const DISCOVER = '{"jsonrpc":"2.0","id":1,"method":"server/discover","params":{}}';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function stage() {
  const answered: string[] = [];
  const discover = new DiscoverAtOnce(({ text }) => answered.push(text));
  const asks = (text = DISCOVER): string => discover.asked(message(text)).id ?? '';
  const answer = (id: string, what = '"result":{"x":1}') =>
    discover.heard(message(`{"jsonrpc":"2.0","id":${id},${what}}`))?.text;
  return { discover, answered, asks, answer };
}

test('the server`s own answer is the client`s, under its own id, where it comes in time', () => {
  const { answered, asks, answer } = stage();
  const [one, two] = [asks(), asks(DISCOVER.replace('1', '"é1"'))];
  expect(one).not.toBe(two);
  expect(answer(two)).toBe('{"jsonrpc":"2.0","id":"é1","result":{"x":1}}');
  expect(answer(one)).toBe('{"jsonrpc":"2.0","id":1,"result":{"x":1}}');
  vi.advanceTimersByTime(WAIT_MS);
  expect(answered).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});

test('the proxy answers in its place after a while, and what comes then is nobody`s', () => {
  const { answered, asks, answer } = stage();
  const own = asks();
  vi.advanceTimersByTime(WAIT_MS);
  expect(answered.map(read)).toEqual([
    {
      jsonrpc: '2.0',
      id: 1,
      result: expect.objectContaining({
        resultType: 'complete',
        supportedVersions: ['2026-07-28'],
        ttlMs: 0,
        cacheScope: 'private',
      }),
    },
  ]);
  expect(answer(own)).toBeUndefined();
  expect(answer(own, '"error":{"code":1,"message":"late"}')).toBeUndefined();
  expect(answered).toHaveLength(1);
});

test('the next request may have the same id', () => {
  const { asks, answer, answered } = stage();
  const own = asks();
  vi.advanceTimersByTime(WAIT_MS);
  expect(answer('1')).toBe('{"jsonrpc":"2.0","id":1,"result":{"x":1}}');
  const again = asks();
  expect(answer(own)).toBeUndefined();
  expect(answer(again)).toContain('"id":1');
  expect(answered).toHaveLength(1);
});

test('an error is answered in its place at once', () => {
  const { asks, answer, answered } = stage();
  expect(answer(asks(), '"error":{"code":-32603,"message":"status 401"}')).toBeUndefined();
  expect(read(answered[0] ?? '')).toMatchObject({ id: 1, result: {} });
  vi.advanceTimersByTime(WAIT_MS);
  expect(answered).toHaveLength(1);
});

test('what its client gives up is answered by nobody, and the server hears which it was', () => {
  const { discover, asks, answer, answered } = stage();
  const cancel = (id: unknown) =>
    discover.cancelled(
      message(
        JSON.stringify({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } }),
      ),
    );
  const own = asks();
  expect(read(cancel(2).text)).toMatchObject({ params: { requestId: 2 } });
  expect(read(cancel('1').text)).toMatchObject({ params: { requestId: '1' } });
  expect(read(cancel(1).text)).toMatchObject({ params: { requestId: JSON.parse(own) } });
  vi.advanceTimersByTime(WAIT_MS);
  expect([answered, answer(own)]).toEqual([[], undefined]);
  expect(vi.getTimerCount()).toBe(0);
});

test('everything else passes, and nothing is said after the end', () => {
  const { discover, asks, answered } = stage();
  for (const text of [
    '{"jsonrpc":"2.0","method":"notifications/message","params":{}}',
    '{"jsonrpc":"2.0","id":1,"method":"roots/list"}',
    '{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":""}}',
  ]) {
    expect(discover.heard(message(text))?.text).toBe(text);
  }
  asks();
  discover.close();
  vi.advanceTimersByTime(WAIT_MS);
  expect(answered).toEqual([]);
});
