import { beforeEach, describe, expect, it } from 'vitest';
import {
  makeCancelled,
  makeError,
  makeNotification,
  makeRequest,
  makeResponse,
} from '../../../src/jsonrpc/make.js';
import { Cancellations } from '../../../src/relay/cancellations.js';

let cancellations: Cancellations;

beforeEach(() => {
  cancellations = new Cancellations();
});

const call = (id: string, progressToken?: unknown) =>
  makeRequest(id, 'tools/call', progressToken === undefined ? {} : { _meta: { progressToken } });
const progress = (progressToken: unknown) =>
  makeNotification('notifications/progress', { progressToken, progress: 1 });
const cancel = (id: string) => cancellations.sent(makeCancelled(id, 'enough'));

describe('of a request that was cancelled nothing is heard any more', () => {
  it('neither its answer, once, nor its progress', () => {
    cancellations.sent(call('1', 't'));
    cancellations.sent(call('"1"', 1));
    cancel('1');
    expect(cancellations.concerns(progress('t'))).toBe(true);
    expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(true);
    expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(false);
    expect(cancellations.concerns(progress('t'))).toBe(false);
    expect(cancellations.concerns(progress(1))).toBe(false);
    expect(cancellations.concerns(makeError('"1"', 1, 'no'))).toBe(false);
  });

  it('whoever writes its id, and however', () => {
    cancellations.sent(call('1.0'));
    cancel('1');
    expect(cancellations.concerns(makeError('1', -32603, 'nothing came'))).toBe(true);
  });

  it.each([
    ['questions', makeRequest('1', 'roots/list')],
    ['log messages', makeNotification('notifications/message', { level: 'info', data: 1 })],
    ['an error of no request', makeError('null', -32600, 'what?')],
    ['the answer to another', makeResponse('2', '{}')],
  ])('but %s are', (_what, message) => {
    cancellations.sent(call('1', 't'));
    cancel('1');
    expect(cancellations.concerns(message)).toBe(false);
  });
});

describe('a cancellation does nothing', () => {
  it.each(['1', '2', '"1"', 'null'])('that names what is not open: %s', (id) => {
    cancellations.sent(call('1'));
    cancellations.concerns(makeResponse('1', '{}'));
    cancel(id);
    cancellations.sent(call('1'));
    expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(false);
  });

  it('that names nothing', () => {
    cancellations.sent(makeNotification('notifications/cancelled', {}));
    cancellations.sent(makeNotification('notifications/cancelled'));
    expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(false);
  });

  it('to initialize', () => {
    cancellations.sent(makeRequest('1', 'initialize', {}));
    cancel('1');
    expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(false);
  });
});

it('an id, or a token, that is used again is heard', () => {
  cancellations.sent(call('1', 't'));
  cancel('1');
  cancellations.sent(call('2', 't'));
  expect(cancellations.concerns(progress('t'))).toBe(false);
  cancellations.sent(call('1'));
  expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(false);
});

it('what no server says a word of is not kept for ever', () => {
  for (let id = 0; id <= 1000; id++) {
    cancellations.sent(call(String(id), id));
    cancel(String(id));
  }
  expect(cancellations.concerns(progress(0))).toBe(false);
  expect(cancellations.concerns(makeResponse('0', '{}'))).toBe(false);
  expect(cancellations.concerns(progress(1))).toBe(true);
  expect(cancellations.concerns(makeResponse('1', '{}'))).toBe(true);
});
