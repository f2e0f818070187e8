import { describe, expect, it } from 'vitest';
import { idOfBrokenAnswer } from '../../../src/jsonrpc/salvage.js';

describe('the id of a broken answer', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":7,"result":{"x":NaN}}', '7'],
    ['{"jsonrpc": "2.0", "id": "a\\"b", "result": {"x": NaN}}', '"a\\"b"'],
    ['{"result":{"text":"\t"},"jsonrpc":"2.0","id":-3}', '-3'],
    ['{"result":{},"error":null,"id":1}', '1'],
    ['{"id":1,"id":1,"jsonrpc":"2.0","result":{}}', '1'],
    ['\xef\xbb\xbf{"jsonrpc":"2.0","id":5,"result":{}}', '5'],
    ['{"jsonrpc":"2.0","id":5,"error":"boom"}', '5'],
    [`{"result":{"x":${'['.repeat(5000)}${']'.repeat(5000)}},"jsonrpc":"2.0","id":9}`, '9'],
  ])('is found: %#', (text, id) => {
    expect(idOfBrokenAnswer(text)).toBe(id);
  });

  it.each([
    'Server started on port 3000 {"id":1}',
    '{"level":"info","data":{"id":1},"more":2}',
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":[NaN]}',
    '{"method":"ping","params":[NaN],"jsonrpc":"2.0","id":7}',
    '{"result":{"id":1},"more":2}',
    '',
    'x'.repeat(100_000),
  ])('is not guessed: %#', (text) => {
    expect(idOfBrokenAnswer(text)).toBeUndefined();
  });
});
