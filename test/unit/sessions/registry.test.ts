import { afterEach, expect, it, vi } from 'vitest';
import { clientInfoOf } from '../../../src/eras/client-info.js';
import { makeRequest } from '../../../src/jsonrpc/make.js';
import { SessionRegistry } from '../../../src/sessions/registry.js';
import type { StreamableHttpSession } from '../../../src/sessions/session.js';
import { shownId } from '../../../src/sessions/session.js';
import { Heartbeat } from '../../../src/transports/heartbeat.js';
import { StreamableHttpDownstream } from '../../../src/transports/streamable-http/downstream.js';
import { row } from '../../faults/harness/fault.js';

afterEach(() => {
  vi.useRealTimers();
});

function add(
  registry: SessionRegistry,
  server = 'a',
  busy = false,
  principal: string | undefined = undefined,
): StreamableHttpSession & { ended: string[] } {
  const id = registry.newId();
  const ended: string[] = [];
  const session = {
    id,
    shownId: shownId(id),
    server,
    era: 'legacy' as const,
    principal,
    transport: 'streamable-http' as const,
    downstream: new StreamableHttpDownstream({
      sessionId: id,
      streams: { heartbeat: new Heartbeat() },
      pollAfter: 0,
    }),
    openedAt: Date.now(),
    lastActivity: Date.now(),
    client: undefined,
    exchanges: undefined,
    version: () => undefined,
    busy: () => busy,
    owes: () => false,
    end: (text: string) => {
      ended.push(text);
      registry.remove(id);
    },
    ended,
  };
  registry.add(session);
  return session;
}

function at<T extends 'sse' | 'streamable-http'>(
  server: string,
  transport: T,
  principal?: string,
): { server: string; transport: T; principal: string | undefined } {
  return { server, transport, principal };
}

it('finds a session on its own server and transport only', () => {
  const registry = new SessionRegistry();
  const { id } = add(registry);
  expect(registry.find(id, at('a', 'streamable-http'))?.id).toBe(id);
  expect(registry.find(id, at('b', 'streamable-http'))).toBeUndefined();
  expect(registry.find(id, at('a', 'sse'))).toBeUndefined();
  expect(registry.find('', at('a', 'streamable-http'))).toBeUndefined();
  registry.remove(id);
  expect(registry.find(id, at('a', 'streamable-http'))).toBeUndefined();
  expect(registry.of('a')).toEqual([]);
  registry.close('x');
});

it('finds a session for the principal that opened it only', () => {
  const registry = new SessionRegistry();
  const { id } = add(registry, 'a', false, 'key:ann');
  expect(registry.find(id, at('a', 'streamable-http', 'key:ann'))?.id).toBe(id);
  expect(registry.find(id, at('a', 'streamable-http', 'key:bob'))).toBeUndefined();
  expect(registry.find(id, at('a', 'streamable-http'))).toBeUndefined();
  registry.close('x');
});

it('is full at its limit, and no more once a session has gone', () => {
  const registry = new SessionRegistry({ maxSessions: 2 });
  const first = add(registry);
  expect(registry.full).toBe(false);
  add(registry);
  expect(registry.full).toBe(true);
  first.end('x');
  expect(registry.full).toBe(false);
  registry.close('x');
});

it(`${row('idle.session')} ends sessions that nobody comes back to, and those only`, () => {
  vi.useFakeTimers();
  const registry = new SessionRegistry({ sessionIdleMs: 1000 });
  const [idle, used, busy] = [add(registry), add(registry), add(registry, 'a', true)];
  vi.advanceTimersByTime(900);
  registry.find(used.id, at('a', 'streamable-http'));
  vi.advanceTimersByTime(900);
  expect([idle, used, busy].map(({ ended }) => ended.length)).toEqual([1, 0, 0]);
  vi.advanceTimersByTime(2000);
  expect([idle, used, busy].map(({ ended }) => ended.length)).toEqual([1, 1, 0]);
  registry.close('over');
  expect(busy.ended).toEqual(['over']);
});

it('keeps a session nearly as long as it should from when it was last in use', () => {
  vi.useFakeTimers();
  const registry = new SessionRegistry({ sessionIdleMs: 1000 });
  const session = add(registry, 'a', true);
  vi.advanceTimersByTime(1900);
  session.busy = () => false;
  vi.advanceTimersByTime(850);
  expect(session.ended).toEqual([]);
  vi.advanceTimersByTime(250);
  expect(session.ended).toHaveLength(1);
  registry.close('over');
});

it("remembers a server's last activity beyond its sessions", () => {
  const registry = new SessionRegistry();
  expect(registry.lastActivity('a')).toBeUndefined();
  add(registry).end('x');
  expect(registry.lastActivity('a')).toEqual(expect.any(Number));
  expect(registry.lastActivity('b')).toBeUndefined();
  registry.close('x');
});

it.each([
  [{ clientInfo: { name: 'n', version: '1' } }, { name: 'n', version: '1' }],
  [{ clientInfo: { name: 7 } }, { name: 'unknown', version: 'unknown' }],
  [{ clientInfo: null }, { name: 'unknown', version: 'unknown' }],
  [{}, { name: 'unknown', version: 'unknown' }],
])('reads who the client is: %j', (params, expected) => {
  expect(clientInfoOf(makeRequest('1', 'initialize', params))).toEqual(expected);
});
