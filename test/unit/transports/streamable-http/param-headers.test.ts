import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  declaredHeaders,
  decodeHeaderValue,
  encodeHeaderValue,
  nameHeader,
  paramHeaders,
  paramMismatch,
} from '../../../../src/transports/streamable-http/param-headers.js';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';

/** A text that a field value of RFC 9110 may be, without white space around it. */
const FIELD_VALUE = /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/;

describe('the value of a header', () => {
  test.each([
    ['us-west1', 'us-west1'],
    ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    [' padded ', '=?base64?IHBhZGRlZCA=?='],
    ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
    ['line1\r\nline2', '=?base64?bGluZTENCmxpbmUy?='],
    ['=?base64?literal?=', '=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?='],
    ['=?base64?=', '=?base64?PT9iYXNlNjQ/PQ==?='],
    ['\tindented', '=?base64?CWluZGVudGVk?='],
    ['us west\t1', 'us west\t1'],
    ['=?BASE64?QQ==?=', '=?BASE64?QQ==?='],
    ['=?base64?QQ==', '=?base64?QQ=='],
    ['\u0000', '=?base64?AA==?='],
    ['\u007f', '=?base64?fw==?='],
    ['', '=?base64??='],
  ])(
    `${req(
      'modern-http.client.values-encoded',
      'modern-http.client.base64',
      'modern-http.client.sentinel-alike',
    )} is plain, or Base64 where it cannot be: %j`,
    (text, value) => {
      expect(encodeHeaderValue(text)).toBe(value);
      expect(decodeHeaderValue(value)).toBe(text);
    },
  );

  test.each([
    ['no padding', '=?base64?SGVsbG8?='],
    ['characters that are no Base64', '=?base64?SGVs!!!bG8=?='],
    ['bits left over', '=?base64?SGVsbG9=?='],
    ['white space inside', '=?base64?SGVs bG8=?='],
    ['the alphabet for URLs', '=?base64?_-8=?='],
    ['no UTF-8', '=?base64?/w==?='],
    ['half a surrogate pair in UTF-8', '=?base64?7aCA?='],
    ['prefix and suffix in one', '=?base64?='],
    ['beyond ASCII', 'Zürich'],
    ['a control character', 'a\u0001b'],
    ['a line end', 'a\r\nb'],
  ])('is malformed: %s', (_name, value) => {
    expect(decodeHeaderValue(value)).toBeUndefined();
  });

  test.each([
    ['SGVsbG8=', 'SGVsbG8='],
    ['=?base64?SGVsbG8=', '=?base64?SGVsbG8='],
    ['=?Base64?SGVsbG8=?=', '=?Base64?SGVsbG8=?='],
    ['  a b \t', 'a b'],
    ['', ''],
    ['=?base64?77u/YQ==?=', '\ufeffa'],
  ])('is taken as it stands, but for white space around it: %j', (value, text) => {
    expect(decodeHeaderValue(value)).toBe(text);
  });

  test('comes back as it was, and is always safe to send', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: 'grapheme' })), (text) => {
        const value = encodeHeaderValue(text);
        return FIELD_VALUE.test(value) && decodeHeaderValue(value) === text;
      }),
    );
  });
});

const property = (more: object = {}): object => ({ type: 'string', 'x-mcp-header': 'Region', ...more });

describe('the headers that a tool declares', () => {
  test('are found wherever a chain of properties leads', () => {
    const inputSchema = {
      type: 'object',
      properties: {
        region: property(),
        query: { type: 'string' },
        deep: { type: 'object', properties: { 'a.b': { type: 'integer', 'x-mcp-header': 'Deep' } } },
        flag: { type: ['boolean', 'null'], 'x-mcp-header': 'X_Flag' },
      },
    };
    expect(declaredHeaders(inputSchema)).toEqual([
      { header: 'Mcp-Param-Region', path: ['region'], type: 'string' },
      { header: 'Mcp-Param-Deep', path: ['deep', 'a.b'], type: 'integer' },
      { header: 'Mcp-Param-X_Flag', path: ['flag'], type: 'boolean' },
    ]);
  });

  test.each<[string, unknown]>([
    ['no schema', undefined],
    ['true', true],
    ['a list', []],
    ['null', null],
    ['odd properties', { properties: [1, null] }],
    ['a property of that name', { properties: { 'x-mcp-header': { type: 'string' } } }],
    ['a definition of that name', { $defs: { 'x-mcp-header': { type: 'string' } } }],
    [
      'data that has it',
      { properties: { a: { default: property(), enum: [property()], const: property() } } },
    ],
    ['examples that have it', { examples: [{ properties: { a: property() } }] }],
  ])('are none: %s', (_name, inputSchema) => {
    expect(declaredHeaders(inputSchema)).toEqual([]);
  });

  test.each<[string, object, RegExp]>([
    ['empty', { a: property({ 'x-mcp-header': '' }) }, /"a" is no text, or empty/],
    ['no text', { a: property({ 'x-mcp-header': 7 }) }, /no text/],
    ['null', { a: property({ 'x-mcp-header': null }) }, /no text/],
    ['a space', { a: property({ 'x-mcp-header': 'My Region' }) }, /characters/],
    ['a colon', { a: property({ 'x-mcp-header': 'Region:' }) }, /characters/],
    ['a line end', { a: property({ 'x-mcp-header': 'Region\r\nX-Evil: 1' }) }, /characters/],
    ['a line end last', { a: property({ 'x-mcp-header': 'Region\n' }) }, /characters/],
    ['beyond ASCII', { a: property({ 'x-mcp-header': 'Région' }) }, /characters/],
    ['twice', { a: property(), b: property() }, /"Region" is there twice/],
    ['twice in another case', { a: property(), b: property({ 'x-mcp-header': 'REGION' }) }, /twice/],
    ['a number', { a: property({ type: 'number' }) }, /whose type is none of/],
    ['an object', { a: property({ type: 'object' }) }, /type/],
    ['an array', { a: property({ type: 'array', items: {} }) }, /type/],
    ['the type null', { a: property({ type: 'null' }) }, /type/],
    ['no type', { a: { 'x-mcp-header': 'Region' } }, /type/],
    ['several types', { a: property({ type: ['string', 'integer'] }) }, /type/],
    ['items', { a: { type: 'array', items: property() } }, /reached through "properties" alone/],
    ['properties of items', { a: { items: { properties: { b: property() } } } }, /reached/],
    ['prefixItems', { a: { prefixItems: [property()] } }, /reached/],
    ['contains', { a: { contains: property() } }, /reached/],
    ['oneOf', { a: { oneOf: [{}, property()] } }, /reached/],
    ['anyOf', { a: { anyOf: [property()] } }, /reached/],
    ['allOf', { a: { allOf: [property()] } }, /reached/],
    ['not', { a: { not: property() } }, /reached/],
    ['if', { a: { if: property() } }, /reached/],
    // biome-ignore lint/suspicious/noThenProperty: it is a keyword of JSON Schema
    ['then', { a: { then: { properties: { b: property() } } } }, /reached/],
    ['else', { a: { else: property() } }, /reached/],
    ['additionalProperties', { a: { additionalProperties: property() } }, /reached/],
    ['patternProperties', { a: { patternProperties: { '^b': property() } } }, /reached/],
    ['dependentSchemas', { a: { dependentSchemas: { b: property() } } }, /reached/],
    ['what only a $ref can lead to', { a: { unknown: { place: property() } } }, /reached/],
  ])(
    `${req('modern-http.client.invalid-tools')} make its definition invalid: %s`,
    (_name, properties, words) => {
      expect(declaredHeaders({ type: 'object', properties })).toMatch(words);
    },
  );

  test.each<[string, object]>([
    ['the schema itself', property()],
    ['$defs', { $defs: { region: property() }, properties: { a: { $ref: '#/$defs/region' } } }],
    ['definitions', { definitions: { region: property() } }],
    ['a branch of the whole', { anyOf: [{ properties: { a: property() } }] }],
    [
      'one that is valid does not help',
      { properties: { a: property({ 'x-mcp-header': 'A' }) }, not: property() },
    ],
  ])('make its definition invalid: %s', (_name, inputSchema) => {
    expect(declaredHeaders(inputSchema)).toMatch(/reached through "properties" alone/);
  });

  test('nothing in a schema breaks the search', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (schema, args) => {
        const declared = declaredHeaders(schema);
        return typeof declared === 'string' || paramMismatch({}, declared, args) !== '';
      }),
    );
    let deep: object = property();
    for (let depth = 0; depth < 1000; depth++) deep = { properties: { a: deep } };
    expect(declaredHeaders(deep)).toHaveLength(1);
  });
});

const DECLARED = [
  { header: 'Mcp-Param-Region', path: ['region'], type: 'string' },
  { header: 'Mcp-Param-Priority', path: ['priority'], type: 'integer' },
  { header: 'Mcp-Param-Debug', path: ['debug'], type: 'boolean' },
  { header: 'Mcp-Param-Method', path: ['deep', 'method'], type: 'string' },
] as const;

describe('the headers of a call', () => {
  test(`${req('modern-http.client.params-mirrored', 'modern-http.client.values-encoded')} have the values of its arguments`, () => {
    const args = { region: 'us-west1', priority: -42, debug: false, deep: { method: 'línea' }, query: 'x' };
    expect(paramHeaders(DECLARED, args)).toEqual({
      'mcp-param-region': 'us-west1',
      'mcp-param-priority': '-42',
      'mcp-param-debug': 'false',
      'mcp-param-method': '=?base64?bMOtbmVh?=',
    });
  });

  test.each<[string, unknown]>([
    ['null', { region: null, deep: null }],
    ['absent', { deep: {} }],
    ['no arguments', undefined],
    ['arguments that are no object', [1]],
    ['objects and arrays', { region: {}, priority: [1], deep: [{ method: 'a' }] }],
  ])(`${req('modern-http.client.params-omitted')} leave out what has no value: %s`, (_name, args) => {
    expect(paramHeaders(DECLARED, args)).toEqual({});
  });

  test.each([
    [9007199254740991, '9007199254740991'],
    [-9007199254740991, '-9007199254740991'],
    [9007199254740992, undefined],
    [-9007199254740992, undefined],
    [1e21, undefined],
    [1e3, '1000'],
    [-0, '0'],
    [2.5, '2.5'],
    ['7', '7'],
    [true, 'true'],
    [Number.POSITIVE_INFINITY, undefined],
  ])(
    `${req('modern-http.client.integer-range')} have whole numbers that are exact only: %s`,
    (priority, value) => {
      expect(paramHeaders(DECLARED, { priority })['mcp-param-priority']).toBe(value);
    },
  );

  test('what every object inherits is no argument', () => {
    const inherited = [
      { header: 'Mcp-Param-A', path: ['__proto__', 'a'], type: 'string' },
      { header: 'Mcp-Param-B', path: ['constructor', 'name'], type: 'string' },
      { header: 'Mcp-Param-C', path: ['region', 'length'], type: 'integer' },
    ] as const;
    expect(paramHeaders(inherited, { region: 'abc' })).toEqual({});
    expect(paramMismatch({}, inherited, { region: 'abc' })).toBeUndefined();
    // What a call has by such a name is its own.
    const schema: unknown = JSON.parse(
      '{"properties":{"__proto__":{"properties":{"a":{"type":"string","x-mcp-header":"__proto__"}}}}}',
    );
    const declared = declaredHeaders(schema);
    const headers = paramHeaders(
      typeof declared === 'string' ? [] : declared,
      JSON.parse('{"__proto__":{"a":"b"}}'),
    );
    expect(Object.entries(headers)).toEqual([['mcp-param-__proto__', 'b']]);
  });
});

describe('what is wrong with the headers of a call', () => {
  test.each<[string, Record<string, string>, unknown]>([
    ['nothing declared has a value', {}, {}],
    ['equal', { 'mcp-param-region': 'us-west1' }, { region: 'us-west1' }],
    ['Base64 where none is needed', { 'mcp-param-region': '=?base64?SGVsbG8=?=' }, { region: 'Hello' }],
    ['no prefix', { 'mcp-param-region': 'SGVsbG8=' }, { region: 'SGVsbG8=' }],
    ['no suffix', { 'mcp-param-region': '=?base64?SGVsbG8=' }, { region: '=?base64?SGVsbG8=' }],
    ['an empty text', { 'mcp-param-region': '' }, { region: '' }],
    ['white space around it', { 'mcp-param-region': ' a ' }, { region: 'a' }],
    ['a number in another form', { 'mcp-param-priority': '42.0' }, { priority: 42 }],
    ['a boolean', { 'mcp-param-debug': 'true' }, { debug: true }],
    ['another type than declared', { 'mcp-param-priority': '2.5' }, { priority: 2.5 }],
    ['no header for what none can carry', {}, { region: {}, priority: 9007199254740992 }],
    ['half a surrogate pair', { 'mcp-param-region': '=?base64?77+9?=' }, { region: '\ud800' }],
    ['what the tool does not declare', { 'mcp-param-other': 'x' }, {}],
  ])('nothing: %s', (_name, headers, args) => {
    expect(paramMismatch(headers, DECLARED, args)).toBeUndefined();
  });

  test.each<[string, Record<string, string | string[]>, unknown, string]>([
    [
      'missing',
      {},
      { region: 'a' },
      'Mcp-Param-Region is missing, and "region" in the arguments has a value',
    ],
    ['missing, the value is empty', {}, { region: '' }, 'Mcp-Param-Region is missing'],
    ['missing, the value is false', {}, { debug: false }, 'Mcp-Param-Debug is missing'],
    ['different', { 'mcp-param-region': 'b' }, { region: 'a' }, 'Mcp-Param-Region is not what "region"'],
    ['another case', { 'mcp-param-region': 'A' }, { region: 'a' }, 'is not what'],
    ['Base64 of another', { 'mcp-param-region': '=?base64?Yg==?=' }, { region: 'a' }, 'is not what'],
    ['malformed', { 'mcp-param-region': '=?base64?SGVsbG8?=' }, { region: 'Hello' }, 'is malformed'],
    ['beyond ASCII', { 'mcp-param-region': 'é' }, { region: 'é' }, 'is malformed'],
    ['there for null', { 'mcp-param-region': 'null' }, { region: null }, 'is there, and "region"'],
    ['there for nothing', { 'mcp-param-region': '' }, {}, 'is there, and "region" in the arguments is not'],
    ['there for an object', { 'mcp-param-region': '{}' }, { region: {} }, 'nothing that a header can carry'],
    [
      'there for digits that are lost',
      { 'mcp-param-priority': '9007199254740992' },
      { priority: 9007199254740992 },
      'nothing',
    ],
    ['twice', { 'mcp-param-region': ['a', 'a'] }, { region: 'a' }, 'is not what'],
    ['another number', { 'mcp-param-priority': '42.5' }, { priority: 42 }, 'is not what'],
    ['a number in no form of it', { 'mcp-param-priority': '0x2a' }, { priority: 42 }, 'is not what'],
    ['a text of a number', { 'mcp-param-region': '42.0' }, { region: '42' }, 'is not what'],
    ['deep', { 'mcp-param-method': 'a' }, { deep: { method: 'b' } }, '"deep.method"'],
  ])('%s', (_name, headers, args, words) => {
    expect(paramMismatch(headers, DECLARED, args)).toContain(words);
  });

  test('nothing, for whatever the other side of this file has sent', () => {
    const value = fc.oneof(fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.jsonValue());
    fc.assert(
      fc.property(value, value, (region, priority) => {
        const args = { region, priority };
        return paramMismatch(paramHeaders(DECLARED, args), DECLARED, args) === undefined;
      }),
    );
  });
});

test.each([
  ['tools/call', { name: 'a b', uri: 'x:y' }, 'a b'],
  ['prompts/get', { name: 'é' }, 'é'],
  ['resources/read', { name: 'a', uri: 'file:///é' }, 'file:///é'],
  ['tasks/get', { taskId: 't1' }, 't1'],
  ['tasks/update', { taskId: 't2' }, 't2'],
  ['tasks/cancel', { taskId: 't3' }, 't3'],
  ['tasks/get', { taskId: 3 }, undefined],
  ['tools/call', { name: 3 }, undefined],
  ['tools/call', {}, undefined],
  ['tools/list', { name: 'a' }, undefined],
  ['completion/complete', { name: 'a', uri: 'b' }, undefined],
])(
  `${req('modern-http.client.name-header', 'modern-http.client.task-name')} what Mcp-Name says of %s %j`,
  (method, params, name) => {
    const text = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })).toString('latin1');
    expect(nameHeader(message(text))).toBe(name);
  },
);
