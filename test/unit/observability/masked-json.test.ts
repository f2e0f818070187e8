import { expect, it } from 'vitest';
import { maskJson } from '../../../src/observability/masked-json.js';

const SECRET = 'canary-5f1d';

it.each([
  `{"authorization":"${SECRET}"}`,
  `{"Authorization" : "Bearer ${SECRET}"}`,
  `{"x":{"api_key":"${SECRET}","y":1}}`,
  `{"X-Api-Key":"${SECRET}"}`,
  `{"accessToken":["${SECRET}"]}`,
  `{"token":{"value":"${SECRET}","of":{"a":"${SECRET}"}},"b":2}`,
  `{"client_secret":"${SECRET}"}`,
  `{"db_password":"a\\"${SECRET}"}`,
  `{"t\\u006fken":"${SECRET}"}`,
  `{"text":"{\\"password\\":\\"${SECRET}\\"}"}`,
  `{"text":"[{\\"a\\":\\"{\\\\\\"password\\\\\\":\\\\\\"${SECRET}\\\\\\"}\\"}]"}`,
  `{"text":"Authorization: Bearer ${SECRET}"}`,
  `{"text":"curl -H 'Authorization: Basic ${SECRET}'"}`,
  `{"text":"DB_PASSWORD=${SECRET}\\nnext"}`,
  `{"text":"https://h/?api_key=${SECRET}&b=1"}`,
  `{"cookie":"a=${SECRET}"}`,
  `{"cut":1,"password":"${SECRET} and the`,
  `{"cut":"password=${SECRET} and the`,
])('masks %s', (text) => {
  const masked = maskJson(text);
  expect(masked).not.toContain(SECRET);
  expect(masked).toContain('***');
});

it.each([
  '{"jsonrpc":"2.0","id":12345678901234567890,"method":"tools/call","params":{"_meta":{"progressToken":7}}}',
  '{"maxTokens":100,"stopReason":"endTurn"}',
  '{"nextCursor":"abc","description":"takes a token, and a password if there is one"}',
  '{ "a" : [ 1.0 , -2e5, true, null, "\\u00e9\\\\" ] }',
  '{"token":null}',
  '{"cut":"here',
  '{"cut\\',
])('leaves %s', (text) => {
  expect(maskJson(text)).toBe(text);
});

it('keeps JSON what it is', () => {
  const text = `{"a":{"token":{"b":["${SECRET}",{}]},"c":1},"password":12345,"d":[{"secret":true}]}`;
  expect(JSON.parse(maskJson(text))).toEqual({
    a: { token: '***', c: 1 },
    password: '***',
    d: [{ secret: '***' }],
  });
});

it('takes time by the length of a text, whatever is in it', () => {
  // Each is one that makes careless patterns try everything with everything.
  const hostile = ['token', '"', '\\', 'Bearer ', 'token=', '{"', '[', '"token":', 'token    '].map((part) =>
    part.repeat(200_000 / part.length),
  );
  for (const text of hostile) expect(maskJson(text).length).toBeGreaterThan(0);
}, 20_000);
