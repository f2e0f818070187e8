import { describe, expect, it } from 'vitest';
import { readChallenge } from '../../../src/oauth/challenge.js';
import { req } from '../../requirements.js';

const read = (value: string | string[]) => readChallenge({ 'www-authenticate': value as string });

describe('WWW-Authenticate', () => {
  it(`${req('auth.client.challenge')} names where the server describes itself, scopes and the error`, () => {
    expect(read('Bearer resource_metadata="https://a/x", scope="a b", error="insufficient_scope"')).toEqual({
      scheme: 'bearer',
      resourceMetadata: new URL('https://a/x'),
      scope: 'a b',
      error: 'insufficient_scope',
    });
  });

  it.each<[string, string | string[], string | undefined]>([
    ['behind another scheme', 'Basic realm="x, Bearer scope=no", Bearer scope="yes"', 'yes'],
    ['behind a scheme with a token of its own', 'Negotiate YWJj==, Bearer scope=yes', 'yes'],
    ['in a second header', ['Basic realm=x', 'Bearer scope=yes'], 'yes'],
    ['before another scheme', 'Bearer scope="yes", Digest scope="no"', 'yes'],
    ['not in a parameter whose name ends the same', 'Bearer x_scope="no", scope="yes"', 'yes'],
    ['not in a value', 'Bearer error_description="scope=no", scope="yes"', 'yes'],
    ['with quotes in it', 'Bearer scope="a\\"b"', 'a"b'],
    ['in any case', 'bEARER SCOPE=yes', 'yes'],
    ['nowhere', 'Bearer', undefined],
    ['empty', 'Bearer scope=""', undefined],
  ])('has a scope %s', (_, value, scope) => {
    expect(read(value)).toEqual({ scheme: 'bearer', ...(scope === undefined ? {} : { scope }) });
  });

  it('tells tokens that are bound to a key', () => {
    expect(read('DPoP algs="ES256"')?.scheme).toBe('dpop');
  });

  it.each(['Basic realm=x', '', '===,,,"'])('is for no tokens: %s', (value) => {
    expect(read(value)).toBeUndefined();
  });

  it('names nothing that is no URL', () => {
    expect(read('Bearer resource_metadata="nowhere"')).toEqual({ scheme: 'bearer' });
  });
});
