/** What is masked of a header's value, and for how long. */
import { expect, it } from 'vitest';
import { Secrets } from '../../../src/observability/secrets.js';

it.each([
  ['Bearer hunter2-hunter2', 'the token hunter2-hunter2 is over', 'the token *** is over'],
  [`Basic ${Buffer.from('me:hunter2-hunter2').toString('base64')}`, 'not hunter2-hunter2', 'not ***'],
  ['lang=en; session=hunter2; theme=dark', 'no session hunter2', 'no session ***'],
  ['Token token="hunter2-2", x=1', 'no hunter2-2', 'no ***'],
  // As short as this, a word is in every text by chance.
  ['lang=en; session=hunter2', 'token', 'token'],
])('of %s: %s', (value, text, masked) => {
  const secrets = new Secrets();
  secrets.add(value);
  expect(secrets.mask(text)).toBe(masked);
});

it('what the person has given is masked for ever, however many tokens come', () => {
  const secrets = new Secrets();
  secrets.add('hunter2-hunter2');
  for (let n = 0; n < 500; n++) secrets.addPassing(`token-of-hour-${n}.`);
  expect(secrets.mask('hunter2-hunter2 token-of-hour-499.')).toBe('*** ***');
  expect(secrets.mask('token-of-hour-1.')).toBe('token-of-hour-1.');
});

it('a token that is used again is not forgotten before others', () => {
  const secrets = new Secrets();
  for (let n = 0; n < 500; n++) {
    secrets.addPassing('the-one-that-is-kept');
    secrets.addPassing(`token-of-hour-${n}.`);
  }
  expect(secrets.mask('the-one-that-is-kept')).toBe('***');
});
