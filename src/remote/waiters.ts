/** Promises that wait for one moment, and may be many. */
export class Waiters {
  #waiting: (() => void)[] = [];

  /** Whether somebody waits: else nobody need find out whether the moment has come. */
  get some(): boolean {
    return this.#waiting.length > 0;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
