/** What can take one call at a time. */
interface Taker {
  /** Still at work, perhaps, for a call that was given up: what it asks now may be meant for that client. */
  readonly haunted: boolean;
  /** Sessions for which it is kept; those of one that has no call only listen. */
  readonly sessions: number;
}

/**
 * Takers that have one call at a time, in groups of those that serve clients whom nobody can tell apart. The
 * one that was freed last is used first, so that one person at a time always meets the same; but before that
 * one that is kept for somebody who listens, so that those which nobody needs stay without calls, and can end.
 */
export class Turns<T extends Taker> {
  /** The one that was freed last stands last. */
  readonly #groups = new Map<string, readonly T[]>();
  readonly #busy = new Set<T>();
  readonly #watches = new Set<{ readonly group: string; readonly tell: (one: T) => void }>();

  /** One that has no call, or undefined. */
  free(group: string): T | undefined {
    const free = this.#of(group).filter((one) => !this.#busy.has(one) && !one.haunted);
    return free.findLast(({ sessions }) => sessions > 0) ?? free.at(-1);
  }

  /** The one of the group to be kept for who listens, whatever it does, or undefined. */
  any(group: string): T | undefined {
    return this.free(group) ?? this.#of(group).at(-1);
  }

  add(group: string, one: T): void {
    this.#groups.set(group, [...this.#of(group), one]);
    for (const watch of [...this.#watches]) if (watch.group === group) watch.tell(one);
  }

  /** Tells of each of the group: those that are there, and those that are added later. Returns what ends that. */
  watch(group: string, tell: (one: T) => void): () => void {
    for (const one of this.#of(group)) tell(one);
    const watch = { group, tell };
    this.#watches.add(watch);
    return () => this.#watches.delete(watch);
  }

  begin(one: T): void {
    this.#busy.add(one);
  }

  end(group: string, one: T): void {
    this.#busy.delete(one);
    const members = this.#of(group);
    if (members.includes(one)) this.#groups.set(group, [...members.filter((other) => other !== one), one]);
  }

  remove(one: T): void {
    this.#busy.delete(one);
    for (const [group, members] of this.#groups) {
      const others = members.filter((other) => other !== one);
      if (others.length === 0) this.#groups.delete(group);
      else this.#groups.set(group, others);
    }
  }

  #of(group: string): readonly T[] {
    return this.#groups.get(group) ?? [];
  }
}
