import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { RecentClients } from '../../../src/sessions/recent-clients.js';

const VERSION = '2026-07-28';
const client = (name: string) => ({ name, version: '1' });
const names = (clients: RecentClients, server = 's') =>
  clients.of(server).map(({ client: { name } }) => name);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

it('a client is new once, and again after it was not heard of for long', () => {
  const clients = new RecentClients();
  expect(clients.heard('s', client('a'), VERSION)).toBe(true);
  expect(clients.heard('s', client('a'), VERSION)).toBe(false);
  expect(clients.heard('s', client('b'), VERSION)).toBe(true);
  expect(clients.heard('s', { name: 'a', version: '2' }, VERSION)).toBe(true);
  expect(clients.heard('other', client('a'), VERSION)).toBe(true);
  vi.advanceTimersByTime(30 * 60_000);
  expect(clients.of('s')).toEqual([]);
  expect(clients.heard('s', client('a'), VERSION)).toBe(true);
  expect(clients.of('s')).toMatchObject([{ client: client('a'), version: VERSION, requests: 1 }]);
});

it('of too many, the one that was not heard of for longest is forgotten', () => {
  const clients = new RecentClients();
  for (let i = 0; i < 100; i++) {
    vi.advanceTimersByTime(1);
    clients.heard('s', client(`c${i}`), VERSION);
  }
  vi.advanceTimersByTime(1);
  clients.heard('s', client('c0'), VERSION);
  vi.advanceTimersByTime(1);
  clients.heard('s', client('new'), VERSION);
  expect(clients.of('s')).toHaveLength(100);
  expect(names(clients)).toEqual(expect.arrayContaining(['c0', 'new']));
  expect(names(clients)).not.toContain('c1');
});
