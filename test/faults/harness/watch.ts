/** Waiting for what a test is told of, with an end in words where it is not. */

/** How long anything that must come may take on a machine that is loaded, in milliseconds. No test measures it. */
const PATIENCE_MS = 20_000;

export class Watch {
  readonly #looks = new Set<() => void>();

  /** Something has changed. */
  wake(): void {
    for (const look of [...this.#looks]) look();
  }

  /**
   * Settles with the first thing that `find` finds. Rejects where `find` throws, and when nothing was found for
   * so long that nothing will be.
   */
  until<T>(what: string, find: () => T | undefined): Promise<T> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#looks.delete(look);
        clearTimeout(timer);
        settle();
      };
      const look = (): void => {
        try {
          const found = find();
          if (found !== undefined) end(() => resolve(found));
        } catch (error) {
          end(() => reject(error));
        }
      };
      const timer = setTimeout(() => end(() => reject(new Error(`waited in vain for ${what}`))), PATIENCE_MS);
      this.#looks.add(look);
      look();
    });
  }
}
