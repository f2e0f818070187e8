import { expect, test } from 'vitest';
import { saysSessionGone } from '../../../../src/transports/streamable-http/upstream-gone.js';
import { wire } from '../../remote/fixture.js';

const error = (id: unknown, code: number, message: string) =>
  wire({ jsonrpc: '2.0', id, error: { code, message } });
const failed = (status: number, answer?: ReturnType<typeof wire>) => ({
  kind: 'refused' as const,
  text: '',
  status,
  ...(answer === undefined ? {} : { answer }),
});
const request = wire({ jsonrpc: '2.0', id: 1, method: 'x' });
const notification = wire({ jsonrpc: '2.0', method: 'n' });

test.each([
  ['404 with no words', failed(404), request],
  ['404 with an error that answers nothing', failed(404, error(null, -32001, 'Session not found')), request],
  ['404 with the code of a lost session, to the request', failed(404, error(1, -32001, 'gone')), request],
  ['404 to a notification', failed(404, error(null, -32000, 'x')), notification],
  ['404 to a GET', failed(404), undefined],
  [
    '400 of the official example',
    failed(400, error(null, -32000, 'Bad Request: No valid session ID provided')),
    request,
  ],
  [
    '400 in other words',
    failed(400, error('server-error', -32600, 'Session has not begun: invalid session')),
    request,
  ],
])('the session is gone: %s', (_name, failure, refused) => {
  expect(saysSessionGone(failure, refused)).toBe(true);
});

test.each([
  ['404 as the answer to the request', failed(404, error(1, -32601, 'Method not found')), request],
  ['400 as the answer to the request', failed(400, error(1, -32602, 'Unknown session')), request],
  ['400 for another reason', failed(400, error(null, -32700, 'Parse error')), request],
  ['400 with no JSON-RPC error', failed(400), request],
  ['401', failed(401), request],
  ['500', failed(500, error(null, -32000, 'Session not found')), request],
])('the session is not gone: %s', (_name, failure, refused) => {
  expect(saysSessionGone(failure, refused)).toBe(false);
});
