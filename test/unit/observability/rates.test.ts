import { expect, it } from 'vitest';
import type { Message } from '../../../src/jsonrpc/message.js';
import { messageOf } from '../../../src/jsonrpc/rewrite.js';
import { Rates } from '../../../src/observability/rates.js';
import { CONVERSATION } from './conversation.js';

function message(text: string): Message {
  const found = messageOf(text);
  if (found === undefined) throw new Error(`no message: ${text}`);
  return found;
}

const REQUEST = message('{"jsonrpc":"2.0","id":1,"method":"tools/call"}');
const RESPONSE = message('{"jsonrpc":"2.0","id":1,"result":{}}');
const FAILED = message('{"jsonrpc":"2.0","id":1,"result":{"isError": true}}');
const ERROR = message('{"jsonrpc":"2.0","id":1,"error":{"code":-1,"message":""}}');

/** A request that came then and was answered so many milliseconds later. */
function call(rates: Rates, at: number, ms: number, answer: Message | undefined = RESPONSE): void {
  const exchange = {
    conversation: CONVERSATION,
    asker: 'client',
    method: 'tools/call',
    at,
    tool: undefined,
  } as const;
  rates.passed(CONVERSATION, 'client', REQUEST, exchange);
  rates.over(exchange, answer, ms);
}

it('counts requests when they come and errors when they are answered', () => {
  const rates = new Rates();
  call(rates, 1_000_000, 1);
  call(rates, 1_000_000, 6000, ERROR);
  call(rates, 1_005_000, 1, FAILED);
  call(rates, 1_005_000, 1, undefined);
  const { requests, errors, stretchMs } = rates.of('s', 1_007_000);
  expect(stretchMs).toBe(5000);
  expect(requests.slice(-2)).toEqual([2, 2]);
  expect(errors.slice(-2)).toEqual([0, 2]);
});

it('tells latencies within a step', () => {
  const rates = new Rates();
  for (let count = 0; count < 98; count++) call(rates, 1_000_000, 10);
  for (let count = 0; count < 2; count++) call(rates, 1_000_000, 1000);
  const { p50, p99 } = rates.of('s', 1_000_000);
  expect(p50.at(-1)).toBeGreaterThan(7);
  expect(p50.at(-1)).toBeLessThan(14);
  expect(p99.at(-1)).toBeGreaterThan(700);
  expect(p99.at(-1)).toBeLessThan(1400);
  expect(p50.at(-2)).toBeNull();
});

it('forgets what is older than its stretches', () => {
  const rates = new Rates();
  call(rates, 1_000_000, 1, ERROR);
  expect(rates.of('s', 1_000_000 + 179 * 5000).requests[0]).toBe(1);
  expect(rates.of('s', 1_000_000 + 180 * 5000).requests).toEqual(Array(180).fill(0));
  call(rates, 1_000_000 + 180 * 5000, 1);
  const { requests, errors } = rates.of('s', 1_000_000 + 180 * 5000);
  expect([requests.at(-1), errors.at(-1)]).toEqual([1, 0]);
});
