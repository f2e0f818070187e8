import { describe, expect, test } from 'vitest';
import { ToolHeaders } from '../../../../src/transports/streamable-http/tool-headers.js';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';

const VALID =
  '{"name":"valid", "inputSchema":{"properties":{"r":{"type":"string","x-mcp-header":"R"}}},"n":1.50}';
const PLAIN = '{ "name" : "plain","inputSchema":{},"big":12345678901234567890 }';
const INVALID = '{"name":"invalid","inputSchema":{"properties":{"r":{"type":"number","x-mcp-header":"R"}}}}';

const list = (tools: string, more = ''): string =>
  `{"x":[1],"jsonrpc":"2.0", "id":7,"result":{"ttlMs":1e3,"tools":${tools}${more}},"y":null}`;

describe('the headers of tools', () => {
  test(`${req('modern-http.client.invalid-tools', 'modern-http.client.invalid-tools-told')} a tool whose annotations are invalid is left out, and told of; all else keeps every octet`, () => {
    const tools = new ToolHeaders();
    const answer = message(list(`[ ${VALID},\t${INVALID}, ${PLAIN} ]`, ',"nextCursor":"c","_meta":{"é":1}'));
    const taken = tools.take(answer);
    expect(taken.message.text).toBe(
      `{"x":[1],"jsonrpc":"2.0", "id":7,"result":{"ttlMs":1e3,"tools":[${VALID},${PLAIN}],"nextCursor":"c","_meta":{"é":1}},"y":null}`,
    );
    // The offsets fit the text.
    expect(message(taken.message.text)).toEqual(taken.message);
    expect(taken.warnings).toEqual([
      'The tool "invalid" is left out of tools/list: x-mcp-header is on "r", whose type is none of string, integer, boolean.',
    ]);
    expect(tools.of('valid')).toEqual([{ header: 'Mcp-Param-R', path: ['r'], type: 'string' }]);
    expect(tools.of('plain')).toEqual([]);
    expect(tools.of('invalid')).toBeUndefined();
  });

  test.each([
    ['no tool is invalid', list(`[${VALID}]`)],
    ['no tools', list('[]')],
    ['tools that are no list', list('{"a":1}')],
    ['tools that are none', list('[1,null,"a",[],{"name":3}]')],
    ['another result', '{"jsonrpc":"2.0","id":1,"result":[]}'],
    ['an error', '{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"tools"}}'],
  ])('the answer is the same message: %s', (_name, text) => {
    const answer = message(text);
    const taken = new ToolHeaders().take(answer);
    expect(taken.message).toBe(answer);
    expect(taken.warnings).toEqual([]);
  });

  test('an invalid tool without a usable name is left out too', () => {
    const nameless = INVALID.replace('"invalid"', '7');
    const taken = new ToolHeaders().take(message(list(`[${nameless}]`)));
    expect(taken.message.text).toContain('"tools":[]');
    expect(taken.warnings[0]).toContain('"(no name)"');
  });

  test('of members that stand twice, both lose the tool', () => {
    const taken = new ToolHeaders().take(message(list(`[${INVALID}]`, `,"tools":[${INVALID}]`)));
    expect(taken.message.text).not.toContain('invalid');
  });

  test('a warning is told once, and not for ever as long as the name', () => {
    const tools = new ToolHeaders();
    const long = message(list(`[${INVALID.replace('"invalid"', `"${'n'.repeat(10_000)}"`)}]`));
    expect(tools.take(long).warnings.join('').length).toBeLessThan(500);
    expect(tools.take(long).warnings).toEqual([]);
    tools.clear();
    expect(tools.take(long).warnings).toHaveLength(1);
  });

  test('what a tool says last holds, whatever is listed in between', () => {
    const tools = new ToolHeaders();
    tools.take(message(list(`[${VALID}]`)));
    tools.take(message(list(`[${PLAIN}]`)));
    expect(tools.of('valid')).toHaveLength(1);
    tools.take(message(list(`[${VALID.replace('"x-mcp-header":"R"', '"title":"R"')}]`)));
    expect(tools.of('valid')).toEqual([]);
    tools.take(message(list(`[${INVALID.replace('"invalid"', '"valid"')}]`)));
    expect(tools.of('valid')).toBeUndefined();
  });

  test('names that every object has are names of tools like others', () => {
    const tools = new ToolHeaders();
    expect(tools.of('constructor')).toBeUndefined();
    tools.take(message(list(`[${VALID.replace('"valid"', '"__proto__"')}]`)));
    expect(tools.of('__proto__')).toHaveLength(1);
  });

  test('only so many tools are remembered, the latest', () => {
    const tools = new ToolHeaders();
    const page = (from: number): string =>
      list(`[${Array.from({ length: 5_001 }, (_, at) => `{"name":"t${from + at}"}`).join(',')}]`);
    tools.take(message(page(0)));
    tools.take(message(page(5_001)));
    expect(tools.of('t0')).toBeUndefined();
    expect(tools.of('t1')).toBeUndefined();
    expect(tools.of('t2')).toEqual([]);
    expect(tools.of('t10001')).toEqual([]);
  });

  test('after clear nothing is known', () => {
    const tools = new ToolHeaders();
    tools.take(message(list(`[${VALID}]`)));
    tools.clear();
    expect(tools.of('valid')).toBeUndefined();
  });
});
