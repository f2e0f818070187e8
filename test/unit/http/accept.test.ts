import { expect, it } from 'vitest';
import { accepted } from '../../../src/http/accept.js';

it.each([
  [undefined, true, true],
  ['', true, true],
  [' ', true, true],
  ['*/*', true, true],
  ['application/json, text/event-stream', true, true],
  ['text/event-stream,application/json;charset=utf-8', true, true],
  ['APPLICATION/JSON', true, false],
  ['application/json', true, false],
  ['application/*', true, false],
  ['text/event-stream', false, true],
  ['text/*;q=0.5', false, true],
  ['application/json;q=0, text/event-stream', false, true],
  ['application/json; q=0.000', false, false],
  ['application/json;q=0.001', true, false],
  ['text/html', false, false],
  ['application/jsonx, xapplication/json', false, false],
  [',,,', false, false],
])('Accept: %s', (header, json, stream) => {
  expect(accepted(header)).toEqual({ json, stream });
});
