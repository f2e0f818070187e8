import { describe, expect, it } from 'vitest';
import { EVERYBODY, ownInitialize, PROXY_ITSELF, place } from '../../../src/servers/sharing.js';

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
    expect([EVERYBODY, PROXY_ITSELF]).not.toContainEqual(place('auto', CLIENT));
    expect([EVERYBODY, PROXY_ITSELF]).not.toContainEqual(place('auto', {}));
  });
});

it('session gives each its own, shared gives everybody one', () => {
  expect(place('session', CLIENT)).toEqual({ kind: 'own' });
  expect(place('shared', { ...CLIENT, capabilities: { roots: {} } })).toBe(EVERYBODY);
});

it('the proxy can be asked only in the name of everybody', () => {
  expect(ownInitialize(PROXY_ITSELF)).toMatchObject({ capabilities: {}, clientInfo: { name: 'mcp-proxy' } });
  expect(ownInitialize(EVERYBODY)).toMatchObject({
    capabilities: { sampling: {}, elicitation: {}, roots: {} },
  });
});
