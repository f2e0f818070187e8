import { describe, expect, it } from 'vitest';
import {
  eventId,
  MAX_EVENT_OCTETS,
  MAX_EVENTS,
  parseEventId,
  Replay,
} from '../../../../src/transports/streamable-http/replay.js';

function filled(...events: [stream: number, sequence: number, data?: string][]): Replay {
  const replay = new Replay();
  for (const [stream, sequence, data = `${stream}/${sequence}`] of events)
    replay.store({ stream, sequence, data });
  return replay;
}

describe('event ids', () => {
  it('lead back to the stream and the place in it', () => {
    expect(parseEventId(eventId(3, 14))).toEqual({ stream: 3, sequence: 14 });
  });

  it.each(['', '1', '-', '1-', '-1', '1-2-3', 'a-b', ' 1-2', '1-2\n', '1e3-1', `1-${'9'.repeat(16)}`])(
    '%j is none',
    (id) => {
      expect(parseEventId(id)).toBeUndefined();
    },
  );
});

describe('Replay', () => {
  it('gives what came later on that stream, in order, and nothing of another', () => {
    const replay = filled([1, 1], [2, 1], [1, 2], [2, 2], [1, 3]);
    expect(replay.after(1, 1).map(({ data }) => data)).toEqual(['1/2', '1/3']);
    expect(replay.after(2, 0).map(({ data }) => data)).toEqual(['2/1', '2/2']);
    expect(replay.after(1, 3)).toEqual([]);
    expect(replay.after(9, 0)).toEqual([]);
  });

  it('forgets the oldest first, past so many', () => {
    const replay = new Replay();
    for (let sequence = 1; sequence <= MAX_EVENTS + 10; sequence++)
      replay.store({ stream: 1, sequence, data: '' });
    const kept = replay.after(1, 0);
    expect(kept).toHaveLength(MAX_EVENTS);
    expect(kept[0]?.sequence).toBe(11);
  });

  it('forgets the oldest first, past so many octets, but never the newest', () => {
    const half = 'x'.repeat(MAX_EVENT_OCTETS / 2);
    const replay = filled([1, 1, half], [1, 2, half], [1, 3, 'x']);
    expect(replay.after(1, 0).map(({ sequence }) => sequence)).toEqual([2, 3]);
    replay.store({ stream: 1, sequence: 4, data: half.repeat(5) });
    expect(replay.after(1, 0).map(({ sequence }) => sequence)).toEqual([4]);
    replay.store({ stream: 1, sequence: 5, data: 'x' });
    expect(replay.after(1, 0).map(({ sequence }) => sequence)).toEqual([5]);
  });
});
