import { describe, expect, it } from 'vitest';
import { readClaims } from '../../../src/auth/claims.js';
import { isSecureUrl } from '../../../src/auth/secure-url.js';

const SAID = { sub: 'ann', aud: 'a', exp: 1000 };

describe('claims', () => {
  it('are read in the forms that issuers give them', () => {
    expect(readClaims({ ...SAID, scope: 'a  b', scp: ['c', 7] })).toEqual({
      subject: 'ann',
      isClient: false,
      audiences: ['a'],
      scopes: new Set(['a', 'b', 'c']),
      expiresAt: 1_000_000,
    });
    expect(readClaims({ ...SAID, aud: ['a', 7, 'b'], scp: 'c d' })).toMatchObject({
      audiences: ['a', 'b'],
      scopes: new Set(['c', 'd']),
    });
    expect(readClaims({ ...SAID, sub: undefined, client_id: 'c' })).toMatchObject({
      subject: 'c',
      isClient: true,
    });
  });

  it.each([
    { sub: undefined },
    { sub: '' },
    { sub: { toString: 1 } },
    { sub: 'x'.repeat(2000) },
    { aud: undefined },
    { aud: [] },
    { aud: [7] },
    { exp: undefined },
    { exp: '1000' },
    { exp: Number.NaN },
  ])('are none where one is missing that is needed: %j', (more) => {
    expect(readClaims({ ...SAID, ...more })).toBeUndefined();
  });
});

it.each([
  ['https://issuer.example/a', true],
  ['http://127.0.0.1:1', true],
  ['http://localhost:1/x', true],
  ['http://[::1]:1', true],
  ['http://issuer.example', false],
  ['http://127.0.0.1.issuer.example', false],
  ['http://localhost.issuer.example', false],
  ['https://user:x@issuer.example', false],
  ['https://issuer.example/#x', false],
  ['ftp://issuer.example', false],
  ['issuer.example', false],
])('%s is a URL to fetch keys from: %s', (url, expected) => {
  expect(isSecureUrl(url)).toBe(expected);
});
