/**
 * Client mode: the stream on which a remote server speaks unasked, a server that is not there at the start, and
 * what a connection is asked by the system while nothing comes on it.
 */
import { readFileSync } from 'node:fs';
import { afterEach, expect, it, vi } from 'vitest';
import { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { row } from './harness/fault.js';
import { Remote } from './harness/remote.js';
import { Wire } from './harness/wire.js';

const scope = new Scope();
afterEach(() => scope.end());

const IDS = { IDS: '1' } as const;

async function connect(knobs = {}) {
  const remote = await Remote.start(scope, knobs);
  const wire = scope.add(await Wire.to(remote.port), (one) => one.close());
  const client = new RawStdio(scope, `http://127.0.0.1:${wire.port}/mcp`);
  expect(await client.begin()).toHaveProperty('result');
  await remote.got('GET');
  /** Lets the server say something on its stream. */
  const tell = (key: string) => client.call(key, 'tell', { key });
  const heard = (key: string) =>
    client.line(({ method, params }) => method === 'notifications/told' && params?.key === key);
  const times = (key: string) =>
    client.program
      .stdout()
      .split('\n')
      .filter((line) => line.includes('notifications/told') && line.includes(`"${key}"`)).length;
  return { remote, wire, client, tell, heard, times };
}

it.each(['reset', 'end'] as const)(
  `${row('remote.stream-cut')} the GET stream is cut: it is got again from its last event, and what was said meanwhile comes once: %s`,
  async (how) => {
    const { remote, wire, tell, heard, times } = await connect(IDS);
    await tell('before');
    await heard('before');
    wire.cut('GET /mcp', how);
    await tell('meanwhile');
    await heard('meanwhile');
    await tell('after');
    await heard('after');
    for (const key of ['before', 'meanwhile', 'after']) {
      expect(times(key)).toBe(1);
      expect(remote.done(key)).toBe(1);
    }
    const [first, second, ...more] = remote.entries().filter(({ got }) => got === 'GET');
    expect(first?.after).toBeUndefined();
    expect(second?.after).toBe('get/1');
    expect(more).toEqual([]);
  },
);

it(`${row('remote.stream-cut-unnumbered')} the GET stream is cut, and the server gives no ids: it is got again, and goes on`, async () => {
  const { remote, wire, client, tell, heard } = await connect();
  wire.cut('GET /mcp', 'reset');
  await vi.waitFor(() => expect(remote.count('GET')).toBe(2), 10_000);
  await tell('after');
  await heard('after');
  expect(client.program.stdout().split('"id":"after"')).toHaveLength(2);
});

it(`${row('remote.restarted-unasked')} the server is killed and started again: the stream finds that out, though no message comes`, async () => {
  const { remote, client, tell, heard, times } = await connect(IDS);
  await tell('before');
  await heard('before');
  await remote.kill();
  await remote.restart(IDS);
  // The lists may be others now.
  await client.line(({ method }) => method === 'notifications/tools/list_changed');
  // From the last event, which the new server does not know; and then anew.
  await vi.waitFor(() => expect(remote.count('GET')).toBe(3), 10_000);
  expect(remote.entries().flatMap(({ got, after }) => (got === 'GET' ? [after] : []))).toEqual([
    undefined,
    'get/1',
    undefined,
  ]);
  await tell('after');
  await heard('after');
  expect(times('after')).toBe(1);
  expect(remote.count('initialize')).toBe(2);
});

it(`${row('remote.down-at-start')} a server that is not there at the start is waited for`, async () => {
  const remote = await Remote.start(scope);
  await remote.kill();
  const client = new RawStdio(scope, `http://127.0.0.1:${remote.port}/mcp`);
  const begun = client.begin();
  await client.program.line('stderr', (line) => (line.includes('Trying again') ? true : undefined));
  await remote.restart();
  expect(await begun).toHaveProperty('result');
  expect((await client.call('next', 'echo', { key: 'next' })).result?.structuredContent).toMatchObject({
    key: 'next',
  });
  expect([remote.count('initialize'), remote.done('next')]).toEqual([1, 1]);
});

it(`${row('remote.absent')} a server that does not come: initialize is answered with what was tried, and the next one finds who came since`, async () => {
  const remote = await Remote.start(scope);
  await remote.kill();
  const client = new RawStdio(scope, `http://127.0.0.1:${remote.port}/mcp`);
  const { error } = await client.begin();
  expect(error?.message).toMatch(
    new RegExp(
      `127\\.0\\.0\\.1:${remote.port}/mcp cannot be reached: .*ECONNREFUSED.*Tried \\d+ times in \\d+ s`,
    ),
  );
  await remote.restart();
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'raw', version: '1' },
  };
  client.write({ id: 'again', method: 'initialize', params });
  expect(await client.answer('again')).toHaveProperty('result');
  expect((await client.call('next', 'echo', { key: 'next' })).result).toBeDefined();
});

it.skipIf(process.platform !== 'linux')(
  `${row('remote.silent')} the system asks a silent connection within 30 s whether its peer is there`,
  async () => {
    const { client, wire } = await connect();
    const connections = (): string[][] =>
      readFileSync(`/proc/${client.program.pid}/net/tcp`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/))
        .filter(([, , to, state]) => to === `0100007F:${hex(wire.port)}` && state === '01');
    // The sixth column is the timer that runs, 02 for keep-alive, and the time until it fires in 1/100 s.
    await vi.waitFor(() => {
      const timers = connections().map((columns) => columns[5]?.split(':') ?? []);
      expect(timers.length).toBeGreaterThan(0);
      for (const [kind, left = ''] of timers) {
        expect(kind).toBe('02');
        expect(Number.parseInt(left, 16)).toBeLessThanOrEqual(3000);
      }
    });
  },
);

function hex(port: number): string {
  return port.toString(16).toUpperCase().padStart(4, '0');
}
