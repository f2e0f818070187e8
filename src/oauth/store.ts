import type { Grant, Pending, Registration } from './grant.js';

/** Where the credentials for one remote server are kept between the requests, or longer. */
export interface CredentialStore {
  grant(): Promise<Grant | undefined>;
  /** Undefined: it is forgotten. */
  saveGrant(grant: Grant | undefined): Promise<void>;
  /** Whether one is kept, also where it cannot be read now. Where it is not, somebody has forgotten it. */
  hasGrant(): Promise<boolean>;
  /** Saves it only where one is still kept: what was forgotten meanwhile stays so. Returns whether it is saved. */
  replaceGrant(grant: Grant): Promise<boolean>;
  /** By the issuer: a client is known to the one that registered it. */
  registration(issuer: string): Promise<Registration | undefined>;
  saveRegistration(issuer: string, registration: Registration | undefined): Promise<void>;
  pending(): Promise<Pending | undefined>;
  savePending(pending: Pending | undefined): Promise<void>;
  /**
   * Does the work while no other process does work for the same server.
   *
   * @param look is asked now and then while another one does: what it finds is the result, and the work is not done
   */
  exclusively<T>(work: () => Promise<T>, look: () => Promise<T | undefined>, signal: AbortSignal): Promise<T>;
}

/** For as long as the program runs, over what is kept elsewhere and can still be read, if it is. */
export class MemoryStore implements CredentialStore {
  readonly #below: CredentialStore | undefined;
  /** What was saved since, or forgotten. */
  #grant: { readonly saved: Grant | undefined } | undefined;
  #pending: { readonly saved: Pending | undefined } | undefined;
  readonly #registrations = new Map<string, Registration | undefined>();

  constructor(below?: CredentialStore) {
    this.#below = below;
  }

  async grant(): Promise<Grant | undefined> {
    return this.#grant === undefined ? this.#below?.grant() : this.#grant.saved;
  }

  async saveGrant(grant: Grant | undefined): Promise<void> {
    this.#grant = { saved: grant };
  }

  async hasGrant(): Promise<boolean> {
    return this.#grant === undefined
      ? ((await this.#below?.hasGrant()) ?? false)
      : this.#grant.saved !== undefined;
  }

  async replaceGrant(grant: Grant): Promise<boolean> {
    if (!(await this.hasGrant())) return false;
    this.#grant = { saved: grant };
    return true;
  }

  async registration(issuer: string): Promise<Registration | undefined> {
    if (this.#registrations.has(issuer)) return this.#registrations.get(issuer);
    return this.#below?.registration(issuer);
  }

  async saveRegistration(issuer: string, registration: Registration | undefined): Promise<void> {
    this.#registrations.set(issuer, registration);
  }

  async pending(): Promise<Pending | undefined> {
    return this.#pending === undefined ? this.#below?.pending() : this.#pending.saved;
  }

  async savePending(pending: Pending | undefined): Promise<void> {
    this.#pending = { saved: pending };
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}
