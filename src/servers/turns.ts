/** What can take one call at a time. */
interface Taker {
  /** Still at work, perhaps, for a call that was given up: what it asks now may be meant for that client. */
  readonly haunted: boolean;
}

/**
 * Takers that have one call at a time, in groups of those that serve clients whom nobody can tell apart. The
 * one that was freed last is used first, so that one person at a time always meets the same.
 */
export class Turns<T extends Taker> {
  /** The one that was freed last stands last. */
  readonly #groups = new Map<string, T[]>();
  readonly #busy = new Set<T>();

  /** One that has no call, or undefined. */
  free(group: string): T | undefined {
    return this.#groups.get(group)?.findLast((one) => !this.#busy.has(one) && !one.haunted);
  }

  /** One of the group, whatever it does, or undefined. */
  any(group: string): T | undefined {
    return this.free(group) ?? this.#groups.get(group)?.at(-1);
  }

  add(group: string, one: T): void {
    this.#groups.set(group, [...(this.#groups.get(group) ?? []), one]);
  }

  begin(one: T): void {
    this.#busy.add(one);
  }

  end(group: string, one: T): void {
    this.#busy.delete(one);
    const others = this.#groups.get(group)?.filter((other) => other !== one);
    if (others && others.length !== this.#groups.get(group)?.length)
      this.#groups.set(group, [...others, one]);
  }

  remove(one: T): void {
    this.#busy.delete(one);
    for (const [group, members] of this.#groups) {
      const others = members.filter((other) => other !== one);
      if (others.length === 0) this.#groups.delete(group);
      else this.#groups.set(group, others);
    }
  }
}
