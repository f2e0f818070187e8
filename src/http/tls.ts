import { constants } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { ConfigError } from '../config/config-error.js';
import { fileVersion } from '../config/file-version.js';
import { type Emit, wordsOf } from '../observability/events.js';

/** The files, in PEM, by which the proxy speaks TLS itself. */
export interface TlsOptions {
  /** Its certificate, with those between it and the authority. */
  readonly cert: string;
  readonly key: string;
  /** The authorities whose clients are let in; then every client needs a certificate. */
  readonly clientCa?: string | undefined;
}

/** How often is looked whether the files have changed, in milliseconds. */
const LOOK_MS = 2000;

/** What the proxy speaks TLS with: read at start, and again when a file changes. */
export class TlsFiles {
  readonly #options: TlsOptions;
  readonly #emit: Emit;
  #version: string;
  #timer: NodeJS.Timeout | undefined;
  /** The authorities of clients that hold now. */
  #ca: SecureContextOptions['ca'];
  /** What holds at start. */
  readonly context: SecureContextOptions;

  /** Throws `ConfigError` where they cannot be used. */
  constructor(options: TlsOptions, emit: Emit) {
    this.#options = options;
    this.#emit = emit;
    this.#version = this.#look();
    try {
      this.context = this.#read();
      this.#ca = this.context.ca;
    } catch (error) {
      throw new ConfigError(`--tls-cert, --tls-key and --tls-client-ca cannot be used: ${wordsOf(error)}`);
    }
  }

  get needsCertificate(): boolean {
    return this.#options.clientCa !== undefined;
  }

  /**
   * Calls `take` with each new set, and whether clients have other authorities by it. One that is broken, or not complete yet, changes nothing.
   */
  watch(take: (context: SecureContextOptions, isOtherAuthority: boolean) => void): void {
    this.#timer = setInterval(() => {
      const version = this.#look();
      if (version === this.#version) return;
      this.#version = version;
      try {
        const context = this.#read();
        const isOtherAuthority = String(context.ca) !== String(this.#ca);
        this.#ca = context.ca;
        take(context, isOtherAuthority);
        this.#emit({ level: 'info', text: 'the certificate was read again' });
      } catch (error) {
        const text = `the files of --tls-cert, --tls-key and --tls-client-ca cannot be used, so all stays as it was: ${wordsOf(error)}`;
        this.#emit({ level: 'warning', text });
      }
    }, LOOK_MS).unref();
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #read(): SecureContextOptions {
    const { cert, key, clientCa } = this.#options;
    const context = {
      cert: readFileSync(cert),
      key: readFileSync(key),
      // A session that is taken up again has its certificate looked at by nobody.
      ...(clientCa === undefined
        ? {}
        : { ca: readFileSync(clientCa), secureOptions: constants.SSL_OP_NO_TICKET }),
      minVersion: 'TLSv1.2',
    } as const;
    createSecureContext(context); // throws where they do not fit
    return context;
  }

  #look(): string {
    const { cert, key, clientCa } = this.#options;
    return [cert, key, ...(clientCa === undefined ? [] : [clientCa])].map(fileVersion).join('\n');
  }
}
