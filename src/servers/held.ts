/** Tells once that whoever waits has gone. */
interface Leaving {
  once(event: 'close', action: () => void): unknown;
  off(event: 'close', action: () => void): unknown;
}

/**
 * Requests of clients that wait for the server to be there at all. They are under way, although no process has them
 * yet.
 */
export class Held {
  /** What ends the waiting of each. */
  readonly #waiting = new Set<(reason: Error) => void>();
  #stopped: Error | undefined;

  get size(): number {
    return this.#waiting.size;
  }

  /**
   * Settles as `wanted` does; rejects with the reason where nobody waits any longer.
   *
   * @param client counts for as long as it is there
   */
  until<T>(wanted: Promise<T>, client: Leaving): Promise<T> {
    return new Promise((resolve, reject) => {
      const forget = (): void => {
        this.#waiting.delete(fail);
        client.off('close', forget);
      };
      const fail = (reason: unknown): void => {
        forget();
        reject(reason);
      };
      wanted.then((value) => {
        forget();
        resolve(value);
      }, fail);
      if (this.#stopped !== undefined) {
        reject(this.#stopped);
        return;
      }
      this.#waiting.add(fail);
      client.once('close', forget);
    });
  }

  /** Lets nobody wait any longer. */
  stop(text: string): void {
    this.#stopped = new Error(text);
    for (const fail of [...this.#waiting]) fail(this.#stopped);
  }
}
