/**
 * Collections for what comes and goes with every message.
 *
 * V8 gives a `Map` a new table each time it has filled the old one with entries that were deleted. Where the first
 * table has become old (a program that was idle for a moment is enough), every later one is old, too, and what a dead
 * table holds is kept until the next full collection: by then each request with all that belongs to it has been
 * copied twice, which costs more than all else that is done for it (`bench/README.md`). So these begin anew from
 * time to time, with a table that is young.
 */

/** Deleted entries after which a table has done its time, where that many are not still there. */
const RENEW = 1024;

/** A `Map` for entries that live as long as a request. One that was never used has no table: sessions have many. */
export class PassingMap<K, V> {
  #map: Map<K, V> | undefined;
  #deleted = 0;
  #readers = 0;

  get size(): number {
    return this.#map?.size ?? 0;
  }

  get(key: K): V | undefined {
    return this.#map?.get(key);
  }

  has(key: K): boolean {
    return this.#map?.has(key) ?? false;
  }

  set(key: K, value: V): void {
    this.#map ??= new Map();
    this.#map.set(key, value);
  }

  delete(key: K): boolean {
    const map = this.#map;
    if (map === undefined) return false;
    const was = map.delete(key);
    // Who is reading goes on in the table that it has begun.
    if (was && ++this.#deleted >= RENEW && this.#deleted >= map.size && this.#readers === 0) {
      this.#deleted = 0;
      this.#map = map.size === 0 ? undefined : new Map(map);
    }
    return was;
  }

  clear(): void {
    this.#map?.clear();
  }

  /** In the order in which they came; what is deleted meanwhile is left out, as in a `Map`. */
  *entries(): Generator<[K, V], undefined> {
    if (this.#map === undefined) return;
    this.#readers++;
    try {
      yield* this.#map.entries();
    } finally {
      this.#readers--;
    }
  }

  *keys(): Generator<K, undefined> {
    for (const [key] of this.entries()) yield key;
  }

  *values(): Generator<V, undefined> {
    for (const [, value] of this.entries()) yield value;
  }

  [Symbol.iterator](): Generator<[K, V], undefined> {
    return this.entries();
  }
}

/** A `Set` for values that live as long as a request. */
export class PassingSet<T> {
  readonly #map = new PassingMap<T, undefined>();

  get size(): number {
    return this.#map.size;
  }

  has(value: T): boolean {
    return this.#map.has(value);
  }

  add(value: T): void {
    this.#map.set(value, undefined);
  }

  delete(value: T): boolean {
    return this.#map.delete(value);
  }

  clear(): void {
    this.#map.clear();
  }

  [Symbol.iterator](): Generator<T, undefined> {
    return this.#map.keys();
  }
}
