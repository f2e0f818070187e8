import { describe, expect, it } from 'vitest';
import { makeCancelled, makeRequest, makeResponse } from '../../../src/jsonrpc/make.js';
import { linger } from '../../../src/relay/linger.js';
import type { CloseReason, Link, Receiver } from '../../../src/relay/link.js';

const END: CloseReason = { kind: 'ended', text: 'the client has gone' };

function stage() {
  const sent: string[] = [];
  const told: CloseReason[] = [];
  let inner: Receiver | undefined;
  let closed = 0;
  const link: Link = {
    send: (message) => sent.push(message.text),
    listen: (receiver) => {
      inner = receiver;
    },
    close: () => closed++,
  };
  let settle = (): void => {};
  const settled = new Promise<void>((resolve) => {
    settle = resolve;
  });
  const received: string[] = [];
  const lingering = linger(link, () => settled);
  lingering.listen({
    message: (message) => received.push(message.text),
    closed: (reason) => told.push(reason),
  });
  return {
    lingering,
    sent,
    received,
    told,
    settle,
    settled,
    end: () => inner?.closed(END),
    inner: () => inner,
    closes: () => closed,
  };
}

describe('linger', () => {
  it('tells the end when all is settled, and passes answers on until then', async () => {
    const { lingering, inner, received, sent, told, settle, settled, end } = stage();
    inner()?.message(makeRequest('1', 'ping'));
    end();
    expect(told).toEqual([]);
    lingering.send(makeResponse('1', '{}'));
    settle();
    await settled;
    expect([received.length, sent.length]).toEqual([1, 1]);
    expect(told).toEqual([END]);
  });

  it('that is told to end passes on what belongs to what is under way, and refuses what is new', async () => {
    const { lingering, inner, received, sent, told, settle, settled, closes } = stage();
    lingering.stop({ kind: 'stopping', text: 'enough' });
    inner()?.message(makeResponse('"q"', '{}'));
    inner()?.message(makeCancelled('2', 'no more'));
    inner()?.message(makeRequest('7', 'ping'));
    expect(received).toHaveLength(2);
    expect(sent.map((text) => JSON.parse(text))).toMatchObject([
      { id: 7, error: { code: -32603, message: 'enough' } },
    ]);
    expect([told, closes()]).toEqual([[], 0]);
    settle();
    await settled;
    expect([told, closes()]).toEqual([[{ kind: 'stopping', text: 'enough' }], 1]);
  });

  it('does not tell its own close', async () => {
    const { lingering, told, settle, settled, end, closes } = stage();
    end();
    lingering.close(END);
    settle();
    await settled;
    expect(told).toEqual([]);
    expect(closes()).toBe(1);
  });
});
