import { describe, expect, it } from 'vitest';
import { drain } from '../../../src/relay/drain.js';
import type { CloseReason, Link } from '../../../src/relay/link.js';
import { HandClock } from './hand-clock.js';
import { MemoryLink, message } from './memory-link.js';

const ENDED: CloseReason = { kind: 'ended', text: 'stdin has ended' };

function draining(): {
  peer: MemoryLink;
  clock: HandClock;
  link: Link;
  came: string[];
  closings: CloseReason[];
} {
  const peer = new MemoryLink();
  const clock = new HandClock();
  const link = drain(peer, 5000, clock);
  const came: string[] = [];
  const closings: CloseReason[] = [];
  link.listen({ message: ({ text }) => came.push(text), closed: (reason) => closings.push(reason) });
  return { peer, clock, link, came, closings };
}

const asks = (id: string): string => `{"jsonrpc":"2.0","id":${id},"method":"m"}`;
const answer = (id: string): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;

describe('drain', () => {
  it('tells the end at once where nothing is open', () => {
    const { peer, clock, link, came, closings } = draining();
    peer.says(asks('1'));
    link.send(message(answer('1')), '1');
    link.send(message('{"jsonrpc":"2.0","id":1,"method":"roots/list"}'));
    expect(peer.takeAll()).toMatchObject([{ text: answer('1'), about: '1' }, {}]);
    peer.goes(ENDED);
    expect(came).toEqual([asks('1')]);
    expect(closings).toEqual([ENDED]);
    expect(clock.timers).toBe(0);
  });

  it('waits for the answers to all that is open, by the value of their ids', () => {
    const { peer, clock, link, closings } = draining();
    for (const id of ['1.0', '"\\u0061"', '2']) peer.says(asks(id));
    peer.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}');
    peer.goes(ENDED);
    link.send(message(answer('1')));
    link.send(message('{"jsonrpc":"2.0","id":null,"error":{"code":-1,"message":"m"}}'));
    link.send(message(answer('3')));
    expect(closings).toEqual([]);
    link.send(message('{"jsonrpc":"2.0","id":"a","error":{"code":-1,"message":"m"}}'));
    expect(closings).toEqual([ENDED]);
    clock.advance(10_000);
    link.send(message(answer('1')));
    expect(closings).toEqual([ENDED]);
    expect(clock.timers).toBe(0);
  });

  it('waits no longer than it is told', () => {
    const { peer, clock, closings } = draining();
    peer.says(asks('1'));
    peer.goes(ENDED);
    clock.advance(4999);
    expect(closings).toEqual([]);
    clock.advance(1);
    expect(closings).toEqual([ENDED]);
  });

  it('tells nothing after it was closed from this side', () => {
    const { peer, clock, link, closings } = draining();
    peer.says(asks('1'));
    peer.goes(ENDED);
    link.close({ kind: 'failed', text: 'the server is gone' });
    expect(peer.closings).toHaveLength(1);
    expect(clock.timers).toBe(0);
    clock.advance(10_000);
    expect(closings).toEqual([]);
  });
});
