import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { findKey, KeyListError, readKeys } from '../../../src/auth/key-list.js';
import { guards } from '../../security.js';

function unnamed(key: string): string {
  return `key:#${createHash('sha256').update(key).digest('hex').slice(0, 8)}`;
}

function ids(text: string): string[] {
  return readKeys(text).map(({ principal }) => principal.id);
}

describe('a list of keys', () => {
  it('has a name and a key in each line; a key alone is called by its digest', () => {
    const text = 'ann:k1\nk2\r\n\n  # nobody:k0\n  bob.b@x.example : k3 \nk4:\nk5';
    expect(() => ids(text)).toThrow(/^line 6: a key is visible ASCII/);
    expect(ids(text.replace('k4:', 'k4'))).toEqual([
      'key:ann',
      unnamed('k2'),
      'key:bob.b@x.example',
      unnamed('k4'),
      unnamed('k5'),
    ]);
  });

  it(`${guards('keys.unnamed')} calls a key without a name the same, whatever else is in it`, () => {
    expect(ids('k3')).toEqual([unnamed('k3')]);
    expect(ids('k1\nk2\nk3').at(-1)).toBe(unnamed('k3'));
    expect(ids('k1\nk3').at(-1)).toBe(unnamed('k3'));
    expect(() => readKeys('#1:k3')).toThrow(/there is no key/);
  });

  it('may have several keys of one name, but no key of two', () => {
    const keys = readKeys('ann:old-key\nann:new-key\nann:new-key');
    expect(findKey(keys, 'old-key')?.principal).toEqual(findKey(keys, 'new-key')?.principal);
    expect(() => readKeys('ann:same\nbob:same')).toThrow(/^line 2: .*another name/);
  });

  it.each(['', '\n# a:b\n', ' '])('without a key is none: %j', (text) => {
    expect(() => readKeys(text)).toThrow(KeyListError);
  });

  it.each(['ann:with space', 'ann:schlüssel', 'two words', 'ann:a\tb'])(
    'is refused for what no header can carry, without showing it: %s',
    (line) => {
      expect(() => readKeys(line)).toThrow(/^line 1: /);
      expect(() => readKeys(line)).not.toThrow(new RegExp(line.slice(4)));
    },
  );
});

it('a key is its holder’s as a whole only', () => {
  const keys = readKeys('ann:0123456789\nbob:abcdefghij');
  expect(findKey(keys, '0123456789')?.principal).toMatchObject({ kind: 'key', id: 'key:ann', name: 'ann' });
  for (const wrong of ['', '0123456789 ', '012345678', '0123456789a', 'abcdefghi', 'ann', 'ann:0123456789']) {
    expect(findKey(keys, wrong), wrong).toBeUndefined();
  }
});
