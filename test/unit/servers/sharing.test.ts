import { describe, expect, it } from 'vitest';
import {
  EVERYBODY,
  ownInitialize,
  place,
  placeModern,
  placeOnModern,
  proxyItself,
} from '../../../src/servers/sharing.js';

const CLIENT = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'a', version: '1' } };

describe('auto', () => {
  it('gives clients that look the same to the server one profile', () => {
    expect(place('auto', CLIENT)).toMatchObject({ kind: 'shared' });
    expect(place('auto', structuredClone(CLIENT))).toEqual(place('auto', CLIENT));
    expect(place('auto', { ...CLIENT, _meta: { traceparent: 'x' } })).toEqual(place('auto', CLIENT));
  });

  it.each([
    { protocolVersion: '2025-06-18' },
    { clientInfo: { name: 'a', version: '2' } },
    { clientInfo: { name: 'a', version: '1', title: 'A' } },
    { capabilities: { experimental: { x: {} } } },
    { unheardOf: 1 },
  ])('gives another profile to a client that differs: %j', (difference) => {
    expect(place('auto', { ...CLIENT, ...difference })).not.toEqual(place('auto', CLIENT));
  });

  it.each([
    { sampling: {} },
    { elicitation: { form: {} } },
    { roots: { listChanged: true } },
    { roots: null },
  ])('gives a client that can be asked its own: %j', (capabilities) => {
    expect(place('auto', { ...CLIENT, capabilities })).toEqual({ kind: 'own' });
  });

  it.each([{}, { capabilities: null }, { capabilities: [] }, { capabilities: 'x' }])(
    'takes any params: %j',
    (params) => {
      expect(place('auto', params)).toMatchObject({ kind: 'shared' });
    },
  );

  it("never gives a client's profile to the proxy itself or to everybody", () => {
    expect([EVERYBODY, proxyItself()]).not.toContainEqual(place('auto', CLIENT));
    expect([EVERYBODY, proxyItself()]).not.toContainEqual(place('auto', {}));
  });
});

it('session gives each its own, shared gives everybody one', () => {
  expect(place('session', CLIENT)).toEqual({ kind: 'own' });
  expect(place('shared', { ...CLIENT, capabilities: { roots: {} } })).toBe(EVERYBODY);
});

it('the proxy can be asked only in the name of everybody', () => {
  expect(ownInitialize(proxyItself())).toMatchObject({ capabilities: {}, clientInfo: { name: 'mcp-proxy' } });
  expect(ownInitialize(EVERYBODY)).toMatchObject({
    capabilities: { sampling: {}, elicitation: {}, roots: {} },
  });
});

describe('principals', () => {
  const ENVELOPE = { version: '2026-07-28', capabilities: {}, clientInfo: undefined, logLevel: undefined };
  const ASKABLE = { ...ENVELOPE, capabilities: { roots: {} } };

  it.each([
    ['a client', (principal?: string) => place('auto', CLIENT, principal)],
    ['a modern client', (principal?: string) => placeModern('auto', ENVELOPE, principal)],
    ['one that can be asked', (principal?: string) => placeModern('session', ASKABLE, principal)],
    [
      'a modern client of a modern server',
      (principal?: string) => placeOnModern('auto', ENVELOPE, principal),
    ],
    ['the same with session', (principal?: string) => placeOnModern('session', ENVELOPE, principal)],
    [
      'a legacy client of a modern server',
      (principal?: string) => placeOnModern('auto', undefined, principal),
    ],
    ['requests without a handshake', (principal?: string) => proxyItself(principal)],
  ])('never share: %s', (_, placement) => {
    const placements = [placement('key:a'), placement('key:b'), placement('key:a" client {'), placement()];
    expect(placement('key:a')).toEqual(placements[0]);
    expect(new Set(placements.map((one) => JSON.stringify(one))).size).toBe(4);
  });

  it('share what is one for everybody', () => {
    expect(place('shared', CLIENT, 'key:a')).toBe(EVERYBODY);
    expect(placeModern('shared', ASKABLE, 'key:a')).toBe(EVERYBODY);
    expect(placeOnModern('shared', ENVELOPE, 'key:a')).toBe(EVERYBODY);
  });
});
