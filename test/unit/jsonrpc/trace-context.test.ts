import { describe, expect, it } from 'vitest';
import { scan } from '../../../src/jsonrpc/scan.js';
import { traceContext, traceOf, withTrace } from '../../../src/jsonrpc/trace-context.js';
import { message } from '../relay/memory-link.js';

const TRACE = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', tracestate: 'a="b"' };

describe('what is put in', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"m"}', { _meta: TRACE }],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":{ }}', { _meta: TRACE }],
    ['{"params":{"a":1e3},"jsonrpc":"2.0","id":1,"method":"m"}', { a: 1000, _meta: TRACE }],
    ['{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{},"name":"n"}}', { _meta: TRACE, name: 'n' }],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":7,"x":"y"}}}',
      { _meta: { ...TRACE, progressToken: 7, x: 'y' } },
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"traceparent":"old","x":1,"tracest\\u0061te":"old"}}}',
      { _meta: { ...TRACE, x: 1 } },
    ],
  ])('%s', (text, params) => {
    const traced = withTrace(message(text), TRACE);
    expect(JSON.parse(traced.text).params).toEqual(params);
    expect(traceOf(traced)).toEqual(TRACE);
    // Every offset is what reading it anew would find.
    expect(traced).toEqual(scan(traced.text));
  });

  it('is nothing where a request can carry none', () => {
    const request = message('{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":7}}');
    expect(withTrace(request, TRACE)).toBe(request);
  });
});

it('only what is a trace context is passed on', () => {
  const { traceparent } = TRACE;
  expect(traceContext(traceparent, 'a=1')).toEqual({ traceparent, tracestate: 'a=1' });
  expect(traceContext(traceparent, 'a\r\nb: c')).toEqual({ traceparent, tracestate: undefined });
  expect(traceContext(traceparent, 'x'.repeat(513))?.tracestate).toBeUndefined();
  for (const bad of [
    undefined,
    7,
    '',
    `${traceparent}\r\nx: y`,
    `${traceparent}-\r\nx: y`,
    traceparent.replace('00-', 'ff-'),
    traceparent.replace('4bf92f3577b34da6a3ce929d0e0e4736', '0'.repeat(32)),
    traceparent.replace('00f067aa0ba902b7', '0'.repeat(16)),
    traceparent.toUpperCase(),
    `01${traceparent.slice(2)}-${'x'.repeat(512)}`,
  ]) {
    expect(traceContext(bad, undefined)).toBeUndefined();
  }
});
