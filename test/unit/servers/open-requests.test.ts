/** Modern clients have no sessions: how many requests all of them may have open at one server. */
import { expect, it } from 'vitest';
import { readEnvelope } from '../../../src/eras/envelope.js';
import { META } from '../../../src/eras/meta-keys.js';
import { AtCapacity } from '../../../src/servers/at-capacity.js';
import { ModernClients } from '../../../src/servers/modern-clients.js';
import { Places } from '../../../src/servers/places.js';
import { fixtureDefinition } from '../../fixtures/processes.js';
import { wire } from '../remote/fixture.js';
import { Peer } from './stage.js';

const realClock = {
  now: () => performance.now(),
  after(ms: number, action: () => void): () => void {
    const timer = setTimeout(action, ms);
    return () => clearTimeout(timer);
  },
};

it.each([
  ['legacy', 'legacy-raw.mjs'],
  ['modern', 'modern-raw.mjs'],
] as const)(
  'one more is refused, and taken when one of them is over, whatever ends it: a %s server',
  async (era, fixture) => {
    const definition = fixtureDefinition(fixture, {}, { era });
    const options = { clock: realClock, emit: () => undefined, onLost: () => undefined };
    const places = new Places(definition, options);
    const clients = new ModernClients(places, 2);
    const opens = (method: string, params: object = {}): Peer => {
      const _meta = { [META.version]: '2026-07-28', [META.capabilities]: {} };
      const request = wire({ jsonrpc: '2.0', id: 1, method, params: { ...params, _meta } });
      const envelope = readEnvelope(request);
      if (typeof envelope === 'string') throw new Error(envelope);
      const peer = new Peer(clients.open(request, envelope, undefined));
      peer.link.send(request);
      return peer;
    };
    try {
      const answered = opens('tools/list');
      const open = opens('tools/call', { name: 'never' });
      expect(() => opens('tools/list')).toThrow(AtCapacity);
      expect(() => opens('tools/list')).toThrow(/"fixture" has 2 requests open/);
      expect((await answered.answer(1)).result.tools).toBeDefined();
      answered.leaves();
      answered.leaves();
      const listening = opens('subscriptions/listen', { notifications: { toolsListChanged: true } });
      expect(() => opens('tools/list')).toThrow(AtCapacity);
      await listening.until(({ method }) => method === 'notifications/subscriptions/acknowledged');
      // The end of the server ends both.
      for (const process of places.pool.processes) places.pool.retire(process, 'the test says so');
      if (era === 'legacy') expect((await open.answer(1)).error).toBeDefined();
      for (const peer of [open, listening]) peer.leaves();
      const again = [opens('tools/list'), opens('tools/list')];
      for (const peer of again) expect((await peer.answer(1)).result.tools).toBeDefined();
    } finally {
      await places.pool.stop('the test is over');
    }
  },
);
