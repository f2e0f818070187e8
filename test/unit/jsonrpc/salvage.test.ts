import { describe, expect, it } from 'vitest';
import { brokenAnswer, endsOf } from '../../../src/jsonrpc/salvage.js';

const found = (text: string) => brokenAnswer(endsOf(text));

describe('the id of a broken answer', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":7,"result":{"x":NaN}}', '7'],
    ['{"jsonrpc": "2.0", "id": "a\\"b", "result": {"x": NaN}}', '"a\\"b"'],
    ['{"result":{"text":"\t"},"jsonrpc":"2.0","id":-3}', '-3'],
    ['{"jsonrpc":"2.0","result":{"text":"\t"},"id":4}', '4'],
    ['{"id":1,"id":1,"jsonrpc":"2.0","result":{}}', '1'],
    ['\xef\xbb\xbf{"jsonrpc":"2.0","id":5,"result":{}}', '5'],
    ['{"jsonrpc":"2.0","id":5,"error":"boom"}', '5'],
    ['{"jsonrpc":"2.0","id":5}', '5'],
    [`{"result":{"x":${'['.repeat(5000)}${']'.repeat(5000)}},"jsonrpc":"2.0","id":9}`, '9'],
  ])('is found where the text says what it is: %#', (text, id) => {
    expect(found(text)).toEqual({ id, versioned: true });
  });

  it.each([
    ['{"result":{},"error":null,"id":1}', '1'],
    ['{"id":1,"error":null,"result":{}}', '1'],
    ['{"id":1,"result":{"x":NaN}}', '1'],
    ['{"error":{"code":1,"message":"\t"},"id":"a"}', '"a"'],
  ])('is found where it is an answer in all but the version: %#', (text, id) => {
    expect(found(text)).toEqual({ id, versioned: false });
  });

  it.each([
    '{"level":"info","id":1}',
    '{"level":"info","msg":"handling request","id":1}',
    '{"id":1,"event":"row loaded"}',
    '{"id":1,"error":"row not found"}',
    '{"level":"error","error":null,"id":1}',
    '{"level":"error","error":{"code":"ENOENT"},"id":1}',
    '{"id":1,"result":{"rows":3},"took":12}',
    '{"jsonrpc":"1.0","level":"info","id":1}',
    '{"id":1}',
    '{"level":"debug","sent":{"jsonrpc":"2.0","result":{},"id":1}}',
  ])('is not that of a line in a log: %s', (text) => {
    expect(found(text)).toBeUndefined();
  });

  it.each([
    'Server started on port 3000 {"id":1}',
    '{"level":"info","data":{"id":1},"more":2}',
    '{"jsonrpc":"2.0","id":7,"method":"ping","params":[NaN]}',
    '{"method":"ping","params":[NaN],"jsonrpc":"2.0","id":7}',
    '{"result":{"id":1},"more":2}',
    '{"jsonrpc":"2.0","result":{}}',
    '{"jsonrpc":"2.0","id":1,"result":{},"id":2}',
    '',
    'x'.repeat(100_000),
  ])('is not guessed: %#', (text) => {
    expect(found(text)).toBeUndefined();
  });
});
