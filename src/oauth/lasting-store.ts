import type { Emit } from '../observability/events.js';
import type { Grant, Pending, Registration } from './grant.js';
import { NoLock } from './lock.js';
import { type CredentialStore, MemoryStore } from './store.js';

/**
 * A store that goes on in memory where it cannot write any more, as in a container whose files are read-only. What
 * is kept there is still of use; where it is not, the person signs in once for each start, and is told so.
 */
export class LastingStore implements CredentialStore {
  readonly #memory: MemoryStore;
  readonly #emit: Emit;
  readonly #path: string;
  #store: CredentialStore;

  /** @param path for texts */
  constructor(store: CredentialStore, path: string, emit: Emit) {
    this.#store = store;
    this.#memory = new MemoryStore(store);
    this.#path = path;
    this.#emit = emit;
  }

  grant(): Promise<Grant | undefined> {
    return this.#store.grant();
  }

  saveGrant(grant: Grant | undefined): Promise<void> {
    return this.#try((store) => store.saveGrant(grant));
  }

  hasGrant(): Promise<boolean> {
    return this.#store.hasGrant();
  }

  replaceGrant(grant: Grant): Promise<boolean> {
    return this.#try((store) => store.replaceGrant(grant));
  }

  registration(issuer: string): Promise<Registration | undefined> {
    return this.#store.registration(issuer);
  }

  saveRegistration(issuer: string, registration: Registration | undefined): Promise<void> {
    return this.#try((store) => store.saveRegistration(issuer, registration));
  }

  pending(): Promise<Pending | undefined> {
    return this.#store.pending();
  }

  savePending(pending: Pending | undefined): Promise<void> {
    return this.#try((store) => store.savePending(pending));
  }

  async exclusively<T>(
    work: () => Promise<T>,
    look: () => Promise<T | undefined>,
    signal: AbortSignal,
  ): Promise<T> {
    try {
      return await this.#store.exclusively(work, look, signal);
    } catch (error) {
      if (!(error instanceof NoLock)) throw error;
      this.#giveUp(error);
      return work();
    }
  }

  async #try<T>(save: (store: CredentialStore) => Promise<T>): Promise<T> {
    try {
      return await save(this.#store);
    } catch (error) {
      if (this.#store === this.#memory) throw error;
      this.#giveUp(error);
      return save(this.#memory);
    }
  }

  #giveUp(error: unknown): void {
    this.#store = this.#memory;
    const code = error instanceof Error ? error.message : String(error);
    this.#emit({
      level: 'warning',
      text: `Nothing can be kept of the sign-in in ${this.#path}, so that it is for this run only: ${code}`,
    });
  }
}
