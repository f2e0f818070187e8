import { expect, test } from 'vitest';
import { describeUrl } from '../../../src/remote/describe-url.js';
import { excerpt } from '../../../src/remote/failure.js';
import { checkHeaders } from '../../../src/remote/headers.js';
import { Secrets } from '../../../src/remote/secrets.js';

test('a URL is shown without what may be secret', () => {
  expect(describeUrl('https://me:pw@host:8443/a/mcp?key=v&key=w#f')).toBe(
    'https://host:8443/a/mcp?key=***&key=***',
  );
  expect(describeUrl(new URL('http://host/'))).toBe('http://host');
  expect(describeUrl('host and secret')).toBe('(not a URL)');
});

test('secrets are masked, alone and in their header', () => {
  const secrets = new Secrets();
  secrets.add('Bearer abc.def');
  secrets.add('1');
  expect(secrets.mask('1: "Bearer abc.def" or abc.def')).toBe('1: "***" or ***');
});

test('HTML becomes words, and long texts are cut', () => {
  const page =
    '<!DOCTYPE html><head><style>b{}</style></head><b>Bad\u0007</b>&nbsp;<i\n>gate&amp;way<script>x';
  expect(excerpt(page, '')).toBe('Bad gate&way');
  expect(excerpt('y'.repeat(500), 'text/plain')).toHaveLength(200);
});

test('the user of a URL becomes Basic, unless there is an Authorization', () => {
  const url = new URL('https://a%3A:p%40ss@host/mcp');
  expect(checkHeaders([], url).headers.authorization).toBe(
    `Basic ${Buffer.from('a::p@ss').toString('base64')}`,
  );
  expect(checkHeaders([['AUTHORIZATION', 'x']], url).headers).toEqual({ authorization: 'x' });
  expect(() => checkHeaders([['bad name', 'x']], url)).toThrow('"bad name"');
});
