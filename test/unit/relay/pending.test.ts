import { describe, expect, it } from 'vitest';
import type { ProxyEvent } from '../../../src/observability/events.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import { NoLink, pendingLink } from '../../../src/relay/pending.js';
import { MemoryLink, message } from './memory-link.js';
import { Client, read } from './stage.js';

const GONE: CloseReason = { kind: 'ended', text: 'the client has gone' };
const NOTE = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

function ping(id: unknown): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' });
}

/** A link that the test makes, or fails to make. */
function pending() {
  let make: (link: Link) => void = () => undefined;
  let fail: (error: unknown) => void = () => undefined;
  const made = new Promise<Link>((resolve, reject) => {
    [make, fail] = [resolve, reject];
  });
  const events: ProxyEvent[] = [];
  const link = pendingLink(made, (event) => events.push(event));
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 5; turn++) await Promise.resolve();
  };
  return { link, make, fail, client: new Client(link), real: new MemoryLink(), events, settled };
}

describe('a link that is still being made', () => {
  it('sends what waited once, in its order, before anything that comes later', async () => {
    const { client, real, make, settled } = pending();
    for (const id of [1, 2, 3]) client.says(ping(id));
    client.says(NOTE);
    make(real);
    client.says(ping(4));
    expect(real.take()).toEqual([]);
    await settled();
    client.says(ping(5));
    expect(real.take()).toEqual([ping(1), ping(2), ping(3), NOTE, ping(4), ping(5)]);
  });

  it('is the link that was made from then on, with what each message belongs to', async () => {
    const { link, client, real, make, settled } = pending();
    link.send(message(NOTE), '7');
    make(real);
    await settled();
    expect(real.takeAll()).toEqual([{ text: NOTE, about: '7' }]);
    real.says(ping(1), '8');
    expect(client.takeAll()).toEqual([{ text: ping(1), about: '8' }]);
    real.goes(GONE);
    expect(client.closings).toEqual([GONE]);
    client.says(ping(2));
    client.leaves();
    expect([real.take(), real.sentTooLate, real.closings]).toEqual([[], [], []]);
  });

  it('answers with what is known of the reason beside its words', async () => {
    const { client, fail, settled } = pending();
    client.says(ping(1));
    fail(new NoLink('gone', { exitCode: 3 }));
    await settled();
    const error = { code: -32603, message: 'gone', data: { exitCode: 3 } };
    expect(client.take().map((text) => JSON.parse(text))).toEqual([{ jsonrpc: '2.0', id: 1, error }]);
    expect(client.closings).toMatchObject([{ kind: 'failed', text: 'gone', data: { exitCode: 3 } }]);
  });

  it('keeps the order also where an answer that comes at once makes the client say more', async () => {
    const { client, make, settled } = pending();
    const sent: string[] = [];
    let receiver: Parameters<Link['listen']>[0] | undefined;
    const answering: Link = {
      send: (one) => {
        sent.push(one.text);
        if (one.kind === 'request')
          receiver?.message(message(`{"jsonrpc":"2.0","id":${one.id},"result":{}}`));
      },
      listen: (to) => {
        receiver = to;
      },
      close: () => undefined,
    };
    client.onMessage = (text) => {
      if (read(text).id === 1) client.says(ping(9));
    };
    for (const id of [1, 2, 3]) client.says(ping(id));
    make(answering);
    await settled();
    expect(sent).toEqual([1, 2, 3, 9].map(ping));
    expect(client.take()).toHaveLength(4);
  });

  it('answers every request with the reason where it comes to nothing, and has ended', async () => {
    const { client, fail, settled } = pending();
    client.says(ping(1));
    client.says(NOTE);
    client.says(ping('a'));
    fail(new Error('no place for it'));
    await settled();
    const answers = client.takeAll();
    expect(answers.map(({ text }) => read(text))).toEqual(
      [1, 'a'].map((id) => ({ jsonrpc: '2.0', id, error: { code: -32603, message: 'no place for it' } })),
    );
    expect(answers.map(({ about }) => about)).toEqual(['1', '"a"']);
    expect(client.closings).toEqual([{ kind: 'failed', text: 'no place for it' }]);
    client.says(ping(2));
    expect(client.take()).toEqual([]);
  });

  it('answers also what its client says because of that', async () => {
    const { client, fail, settled } = pending();
    client.onMessage = (text) => {
      if (read(text).id === 1) client.says(ping(9));
      if (read(text).id === 2) client.leaves();
    };
    for (const id of [1, 2, 3]) client.says(ping(id));
    fail(new Error('no'));
    await settled();
    expect(client.take().map((text) => read(text).id)).toEqual([1, 9, 2]);
    expect(client.closings).toEqual([]);
  });

  it('is nothing to anybody once its client has gone', async () => {
    const { client, real, make, settled } = pending();
    client.says(ping(1));
    client.leaves();
    client.leaves();
    make(real);
    await settled();
    expect(real.closings).toEqual([GONE]);
    expect([real.take(), real.sentTooLate, client.take(), client.closings]).toEqual([[], [], [], []]);
    const other = pending();
    other.client.says(ping(1));
    other.client.leaves();
    other.fail(new Error('no'));
    await other.settled();
    expect([other.client.take(), other.client.closings]).toEqual([[], []]);
  });

  it('sends nothing more where its client goes while it is sent', async () => {
    const { client, real, make, settled } = pending();
    const send = real.send.bind(real);
    real.send = (sent, about) => {
      send(sent, about);
      client.leaves();
    };
    for (const id of [1, 2]) client.says(ping(id));
    make(real);
    await settled();
    expect([real.take(), real.sentTooLate, real.closings]).toEqual([[ping(1)], [], [GONE]]);
  });

  it('sends nothing more where the server goes while it is sent', async () => {
    const { client, real, make, settled } = pending();
    const send = real.send.bind(real);
    real.send = (sent, about) => {
      send(sent, about);
      real.goes(GONE);
    };
    for (const id of [1, 2]) client.says(ping(id));
    make(real);
    await settled();
    expect([real.take(), real.sentTooLate, client.closings]).toEqual([[ping(1)], [], [GONE]]);
  });

  it.each<[string, (client: Client) => void, number]>([
    ['messages', (client) => client.says(ping('x')), 1000],
    ['octets', (client) => client.says(ping('x'.repeat(1024 * 1024))), 80],
  ])('lets no more wait than it may: %s', async (_what, say, times) => {
    const { client, real, make, settled } = pending();
    for (let n = 0; n < times; n++) say(client);
    const refused = client.take().length;
    expect(refused).toBeGreaterThan(0);
    make(real);
    await settled();
    expect(real.take()).toHaveLength(times - refused);
    expect(times - refused).toBeGreaterThan(60);
  });

  it('tells what fails on a message that waited, and goes on', async () => {
    const { client, make, events, settled } = pending();
    const broken = new MemoryLink();
    broken.send = () => {
      throw new Error('a defect');
    };
    client.says(ping(1));
    make(broken);
    await settled();
    expect(events).toEqual([{ level: 'error', text: expect.stringContaining('a defect') }]);
  });
});
