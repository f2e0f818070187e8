/** The keys of an issuer: how long they hold, and when they are asked for again. */
import { createLocalJWKSet, jwtVerify } from 'jose';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Issuer } from '../../../src/auth/issuer.js';
import { JsonClient } from '../../../src/auth/json-client.js';
import { Unavailable } from '../../../src/auth/unavailable.js';
import { PlayedIssuer } from '../../http/harness/issuer.js';
import { guards } from '../../security.js';
import { HandClock } from '../relay/hand-clock.js';

let played: PlayedIssuer;
let http: JsonClient;
let clock: HandClock;
let issuer: Issuer;

beforeEach(async () => {
  played = await PlayedIssuer.start();
  http = new JsonClient();
  clock = new HandClock();
  issuer = new Issuer(played.url, clock, http);
});
afterEach(async () => {
  await http.close();
  await played.stop();
});

async function verify(kid = 'first'): Promise<unknown> {
  return (await jwtVerify(await played.token({}, kid), issuer.keyFor)).payload.sub;
}

function fetches(): number {
  return played.asked.filter((path) => path === '/keys').length;
}

function refuse(isDown: boolean): void {
  played.instead = (_, response) => {
    if (isDown) response.destroy();
    return isDown;
  };
}

it(`${guards('issuer.rotated')} a new key is found when the first token comes that is signed with it`, async () => {
  expect(await verify()).toBe('ann');
  await played.addKey('second', 'RS256');
  // It was not looked for yet, and can't be so soon: that says nothing of the token.
  await expect(verify('second')).rejects.toThrow(Unavailable);
  expect(fetches()).toBe(1);
  clock.advance(5000);
  expect(await verify('second')).toBe('ann');
  expect([await verify(), fetches()]).toEqual(['ann', 2]);
});

it(`${guards('issuer.rotated')} a token of a new key that comes while the keys are on their way is tried again`, async () => {
  let answer: (() => void) | undefined;
  played.instead = (request, response) => {
    if (request.url !== '/keys') return false;
    const before = JSON.stringify({ keys: played.keys });
    answer = () => response.writeHead(200).end(before);
    return true;
  };
  const first = verify();
  while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5));
  await played.addKey('second');
  const second = verify('second');
  second.catch(() => undefined);
  await played.token({}, 'second'); // signed after the other, which has come by then
  answer();
  expect(await first).toBe('ann');
  await expect(second).rejects.toThrow(Unavailable);
});

it(`${guards('issuer.bounded')} a key that was looked for and is not there is none, and is not looked for again so soon`, async () => {
  expect(await verify()).toBe('ann');
  const strange = await played.token({}, 'first', { kid: 'strange' });
  const other = await played.token({}, 'first', { kid: 'other' });
  const tried = (token: string): Promise<unknown> => jwtVerify(token, issuer.keyFor);
  await expect(tried(strange)).rejects.toThrow(Unavailable);
  clock.advance(5000);
  // By whichever token the fetch is begun, it is for all that have come before.
  await expect(tried(other)).rejects.toThrow(/no applicable key/);
  await expect(tried(strange)).rejects.toThrow(/no applicable key/);
  expect(fetches()).toBe(2);
  const long = await played.token({}, 'first', { kid: 'x'.repeat(2000) });
  await expect(tried(long)).rejects.toThrow(/no applicable key/);
});

it(`${guards('issuer.bounded')} made-up names of keys keep no good token out and make no more fetches`, async () => {
  expect(await verify()).toBe('ann');
  const flood = async (): Promise<void> => {
    for (let n = 0; n < 1100; n++) {
      const kid = String(Math.random());
      const key = issuer.keyFor({ alg: 'ES256', kid }, { payload: '', signature: '' });
      await expect(Promise.resolve(key)).rejects.toThrow(Unavailable);
    }
  };
  await flood();
  await played.addKey('second');
  await expect(verify('second')).rejects.toThrow(Unavailable);
  expect(fetches()).toBe(1);
  clock.advance(5000);
  expect(await verify('second')).toBe('ann');
  await flood();
  expect([await verify('second'), fetches()]).toEqual(['ann', 2]);
});

it('a key that could not be looked for, since its issuer is down, may be there', async () => {
  expect(await verify()).toBe('ann');
  clock.advance(5000);
  refuse(true);
  await played.addKey('second');
  for (let n = 0; n < 2; n++) await expect(verify('second')).rejects.toThrow(Unavailable);
});

it(`${guards('issuer.rotated')} a key that is taken back is good for ten minutes at most`, async () => {
  await played.addKey('second');
  const taken = await played.token({}, 'first');
  expect(await verify()).toBe('ann');
  played.keys.shift();
  clock.advance(10 * 60_000);
  // Who comes first then still gets the old ones, while the new ones are fetched.
  await verify('second');
  while (fetches() < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  await expect(
    (async () => {
      for (;;) await jwtVerify(taken, issuer.keyFor);
    })(),
  ).rejects.toThrow(/no applicable key/);
});

it(`${guards('issuer.bounded')} one that is down is asked once in five seconds`, async () => {
  refuse(true);
  const asked = played.asked.length;
  for (let n = 0; n < 5; n++) await expect(verify()).rejects.toThrow(Unavailable);
  expect(played.asked.length).toBe(asked + 1);
  refuse(false);
  clock.advance(5000);
  expect(await verify()).toBe('ann');
});

it('its keys are used for an hour while it is down, and then no more', async () => {
  expect(await verify()).toBe('ann');
  refuse(true);
  for (let minute = 9; minute < 60; minute += 10) {
    clock.advance(9 * 60_000 + 59_000);
    expect(await verify()).toBe('ann');
  }
  clock.advance(10 * 60_000);
  await expect(verify()).rejects.toThrow(Unavailable);
});

it('finds metadata at each place where issuers have them', async () => {
  for (const path of [
    '/.well-known/oauth-authorization-server/tenant',
    '/.well-known/openid-configuration/tenant',
    '/tenant/.well-known/openid-configuration',
  ]) {
    const url = `${played.url}/tenant`;
    played.instead = (request, response) => {
      if (request.url !== path) return false;
      response.writeHead(200).end(JSON.stringify({ issuer: url, jwks_uri: `${played.url}/keys` }));
      return true;
    };
    const tenant = new Issuer(url, clock, http);
    const key = await tenant.keyFor({ alg: 'ES256', kid: 'first' }, { payload: '', signature: '' });
    const local = createLocalJWKSet({ keys: played.keys.map((one) => ({ ...one, kty: String(one.kty) })) });
    expect(key).toEqual(await local({ alg: 'ES256', kid: 'first' }, { payload: '', signature: '' }));
  }
});
