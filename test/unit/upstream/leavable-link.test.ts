/** A link that is left for another: what is open on it, and what its end waits for. */
import { describe, expect, it } from 'vitest';
import { LeavableLink } from '../../../src/upstream/leavable-link.js';
import { MemoryLink, message } from '../relay/memory-link.js';

const request = (id: number): string => `{"jsonrpc":"2.0","id":${id},"method":"tools/call"}`;
const result = (id: number): string => `{"jsonrpc":"2.0","id":${id},"result":{}}`;
const CANCELLED = '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":1}}';
const PROGRESS =
  '{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}';
const UNASKED = '{"jsonrpc":"2.0","method":"notifications/tools/list_changed"}';

/** One on which these requests are open, and which was left. */
function left(...ids: number[]) {
  const peer = new MemoryLink();
  const link = new LeavableLink(peer);
  const closed: string[] = [];
  const got: string[] = [];
  const late: string[] = [];
  link.listen({ message: ({ text }) => got.push(text), closed: ({ text }) => closed.push(text) });
  for (const id of ids) link.send(message(request(id)));
  peer.take();
  link.leave({ kind: 'ended', text: 'left' }, ({ text }) => late.push(text));
  link.leave({ kind: 'ended', text: 'left again' }, () => undefined);
  return { peer, link, closed, got, late };
}

describe('a link that was left', () => {
  it('ends at once where nothing is open, and is told to have ended once', () => {
    const { peer, closed } = left();
    expect(closed).toEqual(['left']);
    expect(peer.closings).toHaveLength(1);
  });

  it('ends with the last answer, which still comes, and with what belongs to it', () => {
    const { peer, link, late, got } = left(1, 2);
    link.close({ kind: 'ended', text: 'nobody needs it' });
    peer.says(result(1));
    peer.says(PROGRESS, '2');
    expect(peer.closings).toEqual([]);
    peer.says(result(2));
    expect(late).toEqual([result(1), PROGRESS, result(2)]);
    expect(got).toEqual([]);
    expect(peer.closings).toHaveLength(1);
  });

  it('ends where the last request is cancelled', () => {
    const { peer, link } = left(1);
    link.send(message(CANCELLED));
    expect(peer.take()).toEqual([CANCELLED]);
    expect(peer.closings).toHaveLength(1);
  });

  it('asks nobody any more, and says nothing that belongs to no request', () => {
    const { peer, late } = left(1);
    peer.says(UNASKED);
    peer.says('{"jsonrpc":"2.0","id":7,"method":"roots/list"}', '1');
    expect(late).toEqual([]);
    expect(JSON.parse(peer.takeOne())).toMatchObject({ id: 7, error: { code: -32603 } });
  });

  it('says nothing of the end of its peer', () => {
    const { peer, closed } = left(1);
    peer.goes({ kind: 'failed', text: 'gone' });
    expect(closed).toEqual(['left']);
  });
});

it('one that was not left is the link that it was made of', () => {
  const peer = new MemoryLink();
  const link = new LeavableLink(peer);
  const got: string[] = [];
  link.listen({ message: ({ text }) => got.push(text), closed: ({ text }) => got.push(text) });
  peer.says(UNASKED);
  peer.goes({ kind: 'failed', text: 'gone' });
  expect(got).toEqual([UNASKED, 'gone']);
  expect(link.isOpen).toBe(false);
});
