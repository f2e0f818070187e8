import { describe, expect, it } from 'vitest';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import { withSecondTry } from '../../../src/relay/second-try.js';
import { whenOver } from '../../../src/relay/when-over.js';
import { MemoryLink, message } from './memory-link.js';
import { Client, read } from './stage.js';

const GONE: CloseReason = { kind: 'failed', text: 'exit code 1' };
const INITIALIZE = '{"jsonrpc":"2.0","id":0,"method":"initialize","params":{}}';
const REFUSAL = '{"jsonrpc":"2.0","id":0,"error":{"code":-32022,"message":"no"}}';
const WELCOME = '{"jsonrpc":"2.0","id":0,"result":{}}';
const note = (n: number): string => `{"jsonrpc":"2.0","method":"x/note","params":{"n":${n}}}`;
const ping = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"ping"}`;
const pong = (id: number): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;

function stage(otherwise?: (first: MemoryLink) => Link | undefined) {
  const [first, second] = [new MemoryLink(), new MemoryLink()];
  const asked: string[] = [];
  const link = withSecondTry(first, (answer) => {
    asked.push(answer.text);
    if (otherwise) return otherwise(first);
    return answer.kind === 'error' ? second : undefined;
  });
  return { first, second, asked, client: new Client(link), link };
}

describe('a link with a second try', () => {
  it('is the first one where the first answer holds', () => {
    const { first, second, asked, client } = stage();
    client.says(INITIALIZE);
    first.says(note(1), '0');
    first.says(WELCOME, '0');
    expect(client.takeAll()).toEqual([
      { text: note(1), about: '0' },
      { text: WELCOME, about: '0' },
    ]);
    client.says(ping(0)); // an id may be used again
    first.says('{"jsonrpc":"2.0","id":0,"error":{"code":1,"message":"later"}}');
    expect(client.take()).toHaveLength(1);
    expect(asked).toEqual([WELCOME]);
    expect([first.take(), first.closings, second.take()]).toEqual([[INITIALIZE, ping(0)], [], []]);
    first.goes(GONE);
    expect(client.closings).toEqual([GONE]);
  });

  it('is the second one where it does not: the request is sent anew, and its client hears one answer', () => {
    const { first, second, asked, client } = stage();
    client.says(INITIALIZE);
    first.says(REFUSAL);
    expect(client.take()).toEqual([]);
    expect([first.take(), second.take()]).toEqual([[INITIALIZE], [INITIALIZE]]);
    expect(first.closings).toHaveLength(1);
    first.says(note(1)); // whatever is still under way from there
    first.goes(GONE);
    expect(client.closings).toEqual([]);
    second.says(REFUSAL);
    expect(client.take()).toEqual([REFUSAL]);
    client.says(ping(1));
    second.says(pong(1));
    expect([second.take(), client.take(), asked]).toEqual([[ping(1)], [pong(1)], [REFUSAL]]);
    second.goes(GONE);
    client.leaves();
    expect([client.closings, second.closings]).toEqual([[GONE], []]);
  });

  it('sends anew also what was said while the answer was waited for, but for what was answered', () => {
    const { first, second, client } = stage();
    client.says(INITIALIZE);
    client.says(ping(1));
    client.says(note(1));
    client.says(ping(2));
    first.says(pong(1));
    first.says(REFUSAL);
    expect(second.take()).toEqual([INITIALIZE, note(1), ping(2)]);
    expect(client.take()).toEqual([pong(1)]);
    second.says(pong(2));
    expect(client.take()).toEqual([pong(2)]);
  });

  it('answers what it could not keep until then', () => {
    const { first, second, client } = stage();
    client.says(INITIALIZE);
    for (let id = 1; id <= 1000; id++) client.says(ping(id));
    expect(first.take()).toHaveLength(1001);
    first.says(REFUSAL);
    const refused = client.take().map(read);
    expect(second.take().length + refused.length).toBe(1001);
    expect(refused.length).toBeGreaterThan(0);
    for (const answer of refused) expect(answer).toMatchObject({ error: { code: -32603 } });
  });

  it.each([true, false])('is closed once, on the link that it is; another was tried: %s', (isSecond) => {
    const { first, second, client } = stage();
    client.says(INITIALIZE);
    first.says(isSecond ? REFUSAL : WELCOME);
    first.closings.length = 0;
    client.take();
    client.leaves();
    client.leaves();
    expect([first.closings.length, second.closings.length]).toEqual(isSecond ? [0, 1] : [1, 0]);
    (isSecond ? second : first).says(note(1));
    expect(client.take()).toEqual([]);
  });

  it('tries nothing for a client that has gone', () => {
    const { first, second, asked, client } = stage();
    client.says(INITIALIZE);
    client.leaves();
    first.says(REFUSAL);
    expect([asked, second.take(), client.take()]).toEqual([[], [], []]);
  });

  it('lets its client go while another is being made', () => {
    const second = new MemoryLink();
    let leave = (): void => undefined;
    const { first, client } = stage(() => {
      leave();
      return second;
    });
    leave = () => client.leaves();
    client.says(INITIALIZE);
    first.says(REFUSAL);
    expect([second.take(), second.closings.length, client.take()]).toEqual([[], 1, []]);
  });

  it('looks only at the answer to the first request', () => {
    const { first, asked, client } = stage();
    client.says(note(0));
    client.says(INITIALIZE);
    first.says('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"unreadable"}}');
    first.says('{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":"nobody asked"}}');
    first.says('{"jsonrpc":"2.0","id":0,"method":"ping"}');
    expect([asked, client.take().length]).toEqual([[], 3]);
    first.says(WELCOME);
    expect(asked).toEqual([WELCOME]);
  });
});

describe('what is done when a link is over', () => {
  it.each<[string, (link: Link, peer: MemoryLink) => void]>([
    ['by its holder', (link) => link.close({ kind: 'ended', text: '' })],
    ['by its peer', (_, peer) => peer.goes(GONE)],
    [
      'by both',
      (link, peer) => {
        peer.goes(GONE);
        link.close(GONE);
      },
    ],
    [
      'twice',
      (link) => {
        link.close(GONE);
        link.close(GONE);
      },
    ],
  ])('is done once: %s', (_how, end) => {
    const peer = new MemoryLink();
    let times = 0;
    const link = whenOver(peer, () => times++);
    link.listen({ message: () => undefined, closed: () => expect(times).toBe(1) });
    expect(times).toBe(0);
    end(link, peer);
    expect(times).toBe(1);
  });

  it('changes nothing on the way', () => {
    const peer = new MemoryLink();
    const link = whenOver(peer, () => undefined);
    const got: unknown[] = [];
    link.listen({ message: ({ text }, about) => got.push([text, about]), closed: () => undefined });
    link.send(message(ping(1)), '1');
    peer.says(note(1), '2');
    expect([peer.takeAll(), got]).toEqual([[{ text: ping(1), about: '1' }], [[note(1), '2']]]);
  });
});
