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

/** For as long as the program runs. */
export class MemoryStore implements CredentialStore {
  #grant: Grant | undefined;
  #pending: Pending | undefined;
  readonly #registrations = new Map<string, Registration>();

  async grant(): Promise<Grant | undefined> {
    return this.#grant;
  }

  async saveGrant(grant: Grant | undefined): Promise<void> {
    this.#grant = grant;
  }

  async hasGrant(): Promise<boolean> {
    return this.#grant !== undefined;
  }

  async replaceGrant(grant: Grant): Promise<boolean> {
    if (this.#grant === undefined) return false;
    this.#grant = grant;
    return true;
  }

  async registration(issuer: string): Promise<Registration | undefined> {
    return this.#registrations.get(issuer);
  }

  async saveRegistration(issuer: string, registration: Registration | undefined): Promise<void> {
    if (registration === undefined) this.#registrations.delete(issuer);
    else this.#registrations.set(issuer, registration);
  }

  async pending(): Promise<Pending | undefined> {
    return this.#pending;
  }

  async savePending(pending: Pending | undefined): Promise<void> {
    this.#pending = pending;
  }

  exclusively<T>(work: () => Promise<T>): Promise<T> {
    return work();
  }
}
