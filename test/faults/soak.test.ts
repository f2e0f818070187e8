/** The soak of `bench/`, for some seconds, and that it fails where it should. */
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { notBack } from '../../bench/soak/came-back.mjs';
import { Ledger } from '../../bench/soak/ledger.mjs';
import { end, start } from '../e2e/harness/processes.js';

const SOAK = join(import.meta.dirname, '../../bench/soak/soak.mjs');

it.runIf(process.platform === 'linux')(
  'nothing is lost, doubled, given to another or left behind where clients vanish and servers are killed',
  async () => {
    const words = '--minutes 0.1 --sessions 200 --idle 3 --kill-every 1.5'.split(' ');
    const soak = start(process.execPath, [SOAK, ...words]);
    onTestFinished(() => end(soak));
    const { code } = await soak.ended;
    expect(code, soak.stderr() + soak.stdout()).toBe(0);
    const result = JSON.parse(soak.stdout().slice(soak.stdout().indexOf('{')));
    expect(result).toMatchObject({ ok: true, failures: [], clients: { sessions: 200, modernClients: 50 } });
    const { kills, ended, abandoned } = result.clients;
    const { answered, cut, questions, progress } = result.requests;
    for (const count of [kills, ended, abandoned, answered, cut, questions, progress]) {
      expect(count, soak.stdout()).toBeGreaterThan(0);
    }
    // It has seen the proxy at work.
    for (const what of ['processes', 'descriptors', 'sessions']) {
      expect(result.peak[what]).toBeGreaterThan(result.after[what]);
    }
  },
  180_000,
);

const client = (name: string) => ({ name, requests: new Map() });
const answer = (id: number, number: unknown) => ({
  jsonrpc: '2.0',
  id,
  result: { content: [{ type: 'text', text: String(number) }] },
});
const failure = (id: number, message: string) => ({ jsonrpc: '2.0', id, error: { code: -32603, message } });
const KILLED = 'server "s" was ended by signal SIGKILL';

it('counts an answer that comes once, to who asked, and no fault', async () => {
  const ledger = new Ledger();
  const [one, other] = [client('one'), client('other')];
  const [first, second] = [ledger.asks(one, 1, 's'), ledger.asks(other, 1, 's')];
  ledger.progress(one, { progressToken: 1, message: String(first.number) });
  ledger.answer(other, answer(1, second.number));
  ledger.answer(one, answer(1, first.number));
  expect(await first.settled).toBe('answered');
  ledger.received([String(first.number), String(second.number)]);
  expect(ledger).toMatchObject({ open: 0, faults: 0, counts: { requests: 2, answered: 2 } });
});

it('sees an answer that is doubled, of another, or to nothing, and a number that was sent twice', () => {
  const ledger = new Ledger();
  const [one, other] = [client('one'), client('other')];
  const [first, second] = [ledger.asks(one, 1, 's'), ledger.asks(other, 1, 's')];
  ledger.answer(one, answer(1, first.number));
  ledger.answer(one, answer(1, first.number));
  expect(ledger.counts).toMatchObject({ doubled: 1, foreign: 0 });
  ledger.answer(other, answer(1, first.number));
  ledger.answer(one, answer(7, second.number));
  ledger.progress(other, { progressToken: 1, message: String(first.number) });
  ledger.question(one, { messages: [{ content: { text: String(second.number) } }] });
  expect(ledger.counts).toMatchObject({ doubled: 1, foreign: 4 });
  ledger.received(['1', '2', '1']);
  expect(ledger).toMatchObject({ faults: 6, counts: { sentTwice: 1 } });
  expect(ledger.told).toHaveLength(6);
});

it('sees what was never answered, but not what its client did not wait for', async () => {
  let now = 0;
  const ledger = new Ledger({ lostMs: 1000, now: () => now });
  const one = client('one');
  const [lost, broken, cut] = [1, 2, 3].map((id) => ledger.asks(one, id, 's'));
  if (!lost || !broken || !cut) throw new Error('three were asked for');
  ledger.cut(cut);
  ledger.broken(broken, 'the stream ended');
  now = 1001;
  ledger.sweep();
  expect(await lost.settled).toBe('lost');
  expect(ledger).toMatchObject({ faults: 2, counts: { lost: 2, cut: 1 } });
  // Too late is no second fault.
  ledger.answer(one, answer(1, lost.number));
  ledger.answer(one, answer(3, cut.number));
  expect(ledger).toMatchObject({ faults: 2, counts: { late: 2 } });
});

it('takes an error for no fault only where it says that its server was killed, and it was', () => {
  let now = 0;
  const ledger = new Ledger({ now: () => now });
  const one = client('one');
  const fails = (id: number, text: string, server = 's'): void => {
    ledger.asks(one, id, server);
    ledger.answer(one, failure(id, text));
  };
  fails(1, KILLED);
  expect(ledger.counts).toMatchObject({ failed: 1, failedByKill: 0 });
  ledger.killed('s');
  fails(2, KILLED);
  expect(ledger.counts).toMatchObject({ failed: 1, failedByKill: 1 });
  fails(3, 'server "s" was lost');
  fails(4, KILLED, 'other');
  now = 10_000;
  fails(5, KILLED);
  expect(ledger).toMatchObject({ faults: 4, counts: { failed: 4, failedByKill: 1 } });
});

it('tells what has not come back', () => {
  const start = {
    rss: 1e8,
    heap: 1e7,
    descriptors: 20,
    processes: 2,
    sessions: 0,
    inFlight: 0,
    parked: 0,
  };
  expect(notBack(start, start)).toEqual([]);
  expect(notBack(start, { ...start, rss: 1.05e8, heap: 1.01e7 })).toEqual([]);
  for (const [name, value] of Object.entries({
    rss: 1e9,
    heap: 2e7,
    descriptors: 21,
    processes: 3,
    sessions: 1,
    inFlight: 1,
    parked: 1,
  })) {
    expect(notBack(start, { ...start, [name]: value }), name).toEqual([expect.stringContaining(name)]);
  }
  expect(notBack(start, { ...start, processes: 1 })).toHaveLength(1);
});
