import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/jsonrpc/errors.js';
import {
  asRecord,
  keyOf,
  type Message,
  metaOf,
  nameOf,
  refOf,
  resultTypeOf,
  subscriptionOf,
  tokenOf,
  uriOf,
  versionOf,
  withId,
  withInserted,
  withRef,
  withSubscription,
  withToken,
} from '../../../src/jsonrpc/message.js';
import { MAX_DEPTH, type Scanned, scan } from '../../../src/jsonrpc/scan.js';
import { parseWire } from '../../../src/jsonrpc/wire.js';

/** Text as the proxy holds it: one character per octet. */
const wire = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

function message(text: string): Message {
  const scanned = scan(text);
  if (scanned.kind === 'batch' || scanned.kind === 'malformed') {
    throw new Error(`no message: ${JSON.stringify(scanned)}`);
  }
  return scanned;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

const isParseError = (scanned: Scanned): boolean =>
  scanned.kind === 'malformed' && scanned.code === ErrorCode.ParseError;

const space = fc.stringMatching(/^[ \t\r\n]{0,3}$/);

/** Numbers in all their spellings, most of which no serialiser writes. */
const number = fc.stringMatching(/^-?(0|[1-9][0-9]{0,20})(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,3})?$/);

/** Strings in all their spellings. */
const string = fc
  .array(
    fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3 }).map((text) => JSON.stringify(text).slice(1, -1)),
      fc.stringMatching(/^\\u[0-9a-fA-F]{4}$/),
      fc.constantFrom('\\n', '\\"', '\\\\', '\\/', '\u2028', '🚀', '\u007f', '\\u0000'),
    ),
    { maxLength: 5 },
  )
  .map((parts) => `"${parts.join('')}"`);

const scalar = fc.oneof(number, string, fc.constantFrom('true', 'false', 'null'));

/** Any JSON text, with white space wherever it may stand. */
const { json, object } = fc.letrec<{ json: string; object: string; array: string }>((tie) => ({
  json: fc.oneof({ maxDepth: 4, withCrossShrink: true }, scalar, tie('object'), tie('array')),
  object: fc
    .array(fc.tuple(space, string, space, space, tie('json'), space), { maxLength: 4 })
    .map((members) => `{${members.map(([a, k, b, c, v, d]) => `${a}${k}${b}:${c}${v}${d}`).join(',')}}`),
  array: fc
    .array(fc.tuple(space, tie('json'), space), { maxLength: 4 })
    .map((items) => `[${items.map((parts) => parts.join('')).join(',')}]`),
}));

/** The same text with one character put in, taken out or replaced. */
function mutated(texts: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const character = fc.oneof(
    fc.constantFrom(...'{}[]:,"\\0123456789.-+eEtfn u\t\n\r\u0000\u001f'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'binary' }),
  );
  return fc
    .tuple(texts, fc.nat(), character, fc.constantFrom('insert', 'delete', 'replace'))
    .map(([text, where, put, how]) => {
      const at = where % (text.length + 1);
      return text.slice(0, at) + (how === 'delete' ? '' : put) + text.slice(how === 'insert' ? at : at + 1);
    });
}

describe('scan accepts what JSON.parse accepts', () => {
  test('every JSON text', () => {
    fc.assert(
      fc.property(json, space, (text, around) => {
        expect(isJson(text)).toBe(true);
        const scanned = scan(wire(`{"jsonrpc":"2.0","id":1,"result":${around}${text}${around}}`));
        expect(scanned.kind).toBe('response');
        expect(isParseError(scan(wire(around + text + around)))).toBe(false);
      }),
    );
  });

  test('every value that a serialiser wrote', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (result) => {
        expect(scan(wire(JSON.stringify({ jsonrpc: '2.0', id: 1, result }))).kind).toBe('response');
      }),
    );
  });

  test('no other text', () => {
    const framed = json.map((text) => `{"jsonrpc":"2.0","id":1,"result":${text}}`);
    fc.assert(
      fc.property(mutated(fc.oneof(json, framed)), (text) => {
        const scanned = scan(wire(text));
        // Two members of one name are found before the rest is read, so that text may be no JSON either.
        if (isJson(text)) expect(isParseError(scanned)).toBe(false);
        else expect(scanned.kind).toBe('malformed');
        const around = scan(wire(`{"jsonrpc":"2.0","method":"m","other":${text}}`));
        if (isJson(text)) expect(around.kind).toBe('notification');
      }),
      { numRuns: 2000 },
    );
  });

  test('text that ends anywhere', () => {
    fc.assert(
      fc.property(object, fc.nat(), (text, where) => {
        const cut = text.slice(0, where % text.length);
        expect(isParseError(scan(wire(cut)))).toBe(true);
      }),
    );
  });
});

/** Members of a message in any order, with white space around; and what stands in the places. */
const call = fc
  .record({
    id: scalar.filter((raw) => raw.startsWith('"') || /^[-\d]/.test(raw)),
    token: fc.oneof(number, string),
    ref: fc.oneof(number, string),
    order: fc.shuffledSubarray([0, 1, 2, 3, 4], { minLength: 5 }),
    inner: fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
    other: json,
    gap: space,
  })
  .map(({ id, token, ref, order, inner, other, gap }) => {
    const join = (parts: string[], ranks: number[]): string =>
      `{${gap}${ranks.map((rank) => parts[rank] ?? '').join(`${gap},${gap}`)}${gap}}`;
    const meta = `{"a":${other},${gap}"progressToken"${gap}:${gap}${token}${gap}}`;
    const params = join(
      [`"_meta":${gap}${meta}`, `"requestId"${gap}:${gap}${ref}`, `"x":${other}`, '"y":[]'],
      inner,
    );
    const text = join(
      [
        '"jsonrpc":"2.0"',
        `"id"${gap}:${gap}${id}`,
        '"method":"m"',
        `"params":${gap}${params}`,
        `"extra":${other}`,
      ],
      order,
    );
    return { text: wire(text), id: wire(id), token: wire(token), ref: wire(ref) };
  });

describe('what is put in place of a part changes nothing else', () => {
  type Plain = { id: unknown; params: { _meta: { progressToken: unknown }; requestId: unknown } };
  const plain = (text: string): Plain => parseWire(text) as Plain;

  test('any order of members, any white space, one change after the other', () => {
    fc.assert(
      fc.property(call, fc.shuffledSubarray(['id', 'token', 'ref'], { minLength: 3 }), (made, steps) => {
        const before = message(made.text);
        expect([before.id, tokenOf(before), refOf(before)]).toEqual([made.id, made.token, made.ref]);
        expect(before.text).not.toMatch(/[\r\n]/);
        const expected = plain(made.text);
        expect(plain(before.text)).toEqual(expected);
        let now = before;
        for (const step of steps) {
          if (step === 'id') {
            now = withId(now, '"a new id"');
            expected.id = 'a new id';
          } else if (step === 'token') {
            now = withToken(now, '7');
            expected.params._meta.progressToken = 7;
          } else {
            now = withRef(now, '"r"');
            expected.params.requestId = 'r';
          }
          // The offsets moved along: reading the new text finds the same ones.
          expect(now).toEqual(message(now.text));
          expect(plain(now.text)).toEqual(expected);
        }
        const back = withRef(withToken(withId(now, made.id), made.token), made.ref);
        expect(back).toEqual(before);
      }),
    );
  });

  test('something put in between', () => {
    fc.assert(
      fc.property(call, (made) => {
        const before = message(made.text);
        const now = withInserted(before, before.paramsAt + 1, '"put":[9],');
        expect(plain(now.text)).toEqual({
          ...plain(made.text),
          params: { put: [9], ...asRecord(plain(made.text).params) },
        });
        expect([tokenOf(now), refOf(now), now.id]).toEqual([made.token, made.ref, made.id]);
      }),
    );
  });
});

describe('what the modern era needs of a message', () => {
  const text = wire(
    '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"é","uri":"u:1","_meta":{"io.modelcontextprotocol/protocolVersion":"2026-07-28","progressToken":3}}}',
  );

  test('is found in a request', () => {
    const request = message(text);
    expect([nameOf(request), uriOf(request), versionOf(request), tokenOf(request)]).toEqual([
      'é',
      'u:1',
      '"2026-07-28"',
      '3',
    ]);
    expect(metaOf(request)).toContain('"progressToken":3}');
  });

  test('is found in a result', () => {
    const answer = message(
      '{"jsonrpc":"2.0","id":1,"result":{"ttlMs":0,"resultType":"complete","_meta":{"io.modelcontextprotocol/subscriptionId":"s"},"cacheScope":"private","inner":{"resultType":"x"}}}',
    );
    expect([resultTypeOf(answer), subscriptionOf(answer), metaOf(answer)]).toEqual([
      'complete',
      '"s"',
      '{"io.modelcontextprotocol/subscriptionId":"s"}',
    ]);
    expect([answer.ttlAt > 0, answer.scopeAt > 0]).toEqual([true, true]);
    expect(subscriptionOf(withSubscription(answer, '77'))).toBe('77');
  });

  test.each([
    [true, '{"content":[],"isError":true}'],
    [true, '{"isError": \ttrue }'],
    [true, '{"is\\u0045rror":true}'],
    [false, '{"content":[]}'],
    [false, '{"isError":false}'],
    [false, '{"isError":"true"}'],
    [false, '{"structuredContent":{"isError":true}}'],
    [false, '{"isError":true,"isError":false}'],
  ])('says whether a tool has failed: %s for %s', (isToolError, result) => {
    const answer = message(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
    expect(answer.isToolError).toBe(isToolError);
    expect(withId(answer, '77').isToolError).toBe(isToolError);
  });

  test.each(['"name":1,"name":2', '"uri":1,"uri":2', '"_meta":{},"_meta":{}'])(
    'is there once, or the message is refused: %s',
    (twice) => {
      const scanned = scan(`{"jsonrpc":"2.0","id":1,"method":"m","params":{${twice}}}`);
      expect(scanned).toMatchObject({ kind: 'malformed', code: ErrorCode.InvalidRequest });
    },
  );
});

describe('what a message is', () => {
  const kinds: [string, string][] = [
    ['request', '{"jsonrpc":"2.0","id":1,"method":"m"}'],
    ['request', '{"jsonrpc":"2.0","id":"","method":"m","params":{}}'],
    ['notification', '{"jsonrpc":"2.0","method":"m"}'],
    ['response', '{"jsonrpc":"2.0","id":0,"result":null}'],
    ['error', '{"jsonrpc":"2.0","id":null,"error":{}}'],
    ['error', '{"jsonrpc":"2.0","error":{"code":1}}'],
    ['batch', '[{"jsonrpc":"2.0","method":"m"}, 1]'],
    ['request', '{"\\u006asonrpc":"2.0","i\\u0064":1,"method":"m"}'],
  ];
  test.each(kinds)('%s: %s', (kind, text) => {
    expect(scan(text).kind).toBe(kind);
  });

  const refused = [
    '{}',
    '[]',
    '1',
    '{"id":1,"method":"m"}',
    '{"jsonrpc":"1.0","id":1,"method":"m"}',
    '{"jsonrpc":"2.0","id":null,"method":"m"}',
    '{"jsonrpc":"2.0","id":{},"method":"m"}',
    '{"jsonrpc":"2.0","id":true,"method":"m"}',
    '{"jsonrpc":"2.0","id":1,"method":1}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":[]}',
    '{"jsonrpc":"2.0","id":1,"method":"m","result":1}',
    '{"jsonrpc":"2.0","id":1,"result":1,"error":{}}',
    '{"jsonrpc":"2.0","id":1,"id":1,"method":"m"}',
    '{"jsonrpc":"2.0","id":1,"i\\u0064":2,"method":"m"}',
    '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":1,"progressToken":2}}}',
    '{"jsonrpc":"2.0","id":1}',
    '{"jsonrpc":"2.0","result":1}',
  ];
  test.each(refused)('refused: %s', (text) => {
    expect(scan(text)).toMatchObject({ kind: 'malformed', code: ErrorCode.InvalidRequest });
  });

  test('nesting has a bound, and beyond it nothing overflows', () => {
    const deep = (levels: number): string =>
      `{"jsonrpc":"2.0","id":1,"result":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(scan(deep(MAX_DEPTH - 1)).kind).toBe('response');
    expect(scan(deep(MAX_DEPTH))).toMatchObject({ kind: 'malformed', code: ErrorCode.InvalidRequest });
    expect(scan('['.repeat(1_000_000)).kind).toBe('malformed');
  });
});

test('one id has one key, whatever its spelling; different ids have different keys', () => {
  expect(keyOf('1')).toBe(keyOf('1.0'));
  expect(keyOf('0')).toBe(keyOf('-0'));
  expect(keyOf('100')).toBe(keyOf('1e2'));
  expect(keyOf('"a/b"')).toBe(keyOf('"a\\/b"'));
  expect(keyOf('1')).not.toBe(keyOf('"1"'));
  expect(keyOf('9007199254740993')).not.toBe(keyOf('9007199254740992'));
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const plain = JSON.stringify(text);
      const escaped = `"${[...Array(text.length).keys()]
        .map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`)
        .join('')}"`;
      expect(keyOf(wire(plain))).toBe(keyOf(escaped));
    }),
  );
});
