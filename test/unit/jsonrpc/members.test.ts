import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { elementsOf, memberOf, membersOf, objectOf } from '../../../src/jsonrpc/members.js';
import { parseWire } from '../../../src/jsonrpc/wire.js';

const wire = (value: unknown, space: number): string =>
  Buffer.from(JSON.stringify(value, null, space), 'utf8').toString('latin1');

describe('an object taken apart', () => {
  test('and put together again means the same', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (value, space) => {
        const text = wire(value, space);
        const members = membersOf(text);
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(parseWire(objectOf(members))).toEqual(plain);
        expect(members.map(({ key }) => key)).toEqual(Object.keys(value));
      }),
    );
  });

  test('keeps the digits and the spelling of every value', () => {
    const text = '{ "a" : 12345678901234567890 , "b":[1.0,{"c":"\\u0061\\"]}"}] ,"d":"x\\\\","e":-0.0e+5 }';
    expect(membersOf(text).map(({ value }) => value)).toEqual([
      '12345678901234567890',
      '[1.0,{"c":"\\u0061\\"]}"}]',
      '"x\\\\"',
      '-0.0e+5',
    ]);
    expect(memberOf(text, 'd')).toBe('"x\\\\"');
    expect(memberOf(text, 'f')).toBeUndefined();
  });

  test.each(['{}', ' { } ', '[]', '"a"', '1'])('has no members where it has none: %s', (text) => {
    expect(membersOf(text)).toEqual([]);
  });
});

describe('an array taken apart', () => {
  test('has the same elements', () => {
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), fc.nat(3), (value, space) => {
        const plain: unknown = JSON.parse(JSON.stringify(value));
        expect(elementsOf(wire(value, space)).map(parseWire)).toEqual(plain);
      }),
    );
  });
});
