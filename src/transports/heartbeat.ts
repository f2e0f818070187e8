/** How often a silent stream is fed: below the 30 to 60 s after which intermediaries cut it. */
export const KEEP_ALIVE_MS = 15_000;

/** Something that wants to know that time passes. */
export interface Beating {
  beat(now: number): void;
}

const beating = new Set<Beating>();
let timer: NodeJS.Timeout | undefined;

/** One timer for all streams and waiting answers, however many there are; none while there are none. */
export const heartbeat = {
  add(one: Beating): void {
    beating.add(one);
    timer ??= setInterval(beat, KEEP_ALIVE_MS / 3).unref();
  },
  delete(one: Beating): void {
    beating.delete(one);
  },
};

function beat(): void {
  const now = Date.now();
  for (const one of beating) one.beat(now);
  if (beating.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
