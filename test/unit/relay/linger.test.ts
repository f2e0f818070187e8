import { describe, expect, it } from 'vitest';
import { makeRequest, makeResponse } from '../../../src/jsonrpc/make.js';
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
