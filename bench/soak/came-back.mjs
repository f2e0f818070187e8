/** Decides whether the proxy came back to what it was before the load. */

/**
 * Live heap that may be there more than before, in octets: what is kept once for all, such as compiled code, and
 * the last of what was seen. A session that were kept would be some 40 kB.
 */
const HEAP_MARGIN = 3 * 1024 * 1024;
/** Memory that the system may still count as the proxy's, in octets: what is free inside of it is not all given back. */
const RSS_MARGIN = 48 * 1024 * 1024;

/** How much of each may be there after idle time, from what was there at the start. */
export const ALLOWED = {
  rss: (start) => start + RSS_MARGIN,
  heap: (start) => start + HEAP_MARGIN,
  descriptors: (start) => start,
  processes: (start) => start,
  sessions: () => 0,
  inFlight: () => 0,
  parked: () => 0,
};

/** What of `after` is above what `start` allows, in words; fewer descriptors or processes are no return either. */
export function notBack(start, after) {
  return Object.entries(ALLOWED).flatMap(([name, allowed]) => {
    const limit = allowed(start[name]);
    const isExact = name !== 'rss' && name !== 'heap';
    const isBack = isExact ? after[name] === limit : after[name] <= limit;
    return isBack ? [] : [`${name}: ${after[name]} after idle time, ${isExact ? 'not' : 'above'} ${limit}`];
  });
}
