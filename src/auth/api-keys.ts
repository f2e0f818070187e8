import { readFileSync, statSync } from 'node:fs';
import { ConfigError } from '../config/config-error.js';
import { fileVersion } from '../config/file-version.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import type { Credential } from './credential.js';
import { findKey, type Key, readKeys } from './key-list.js';
import type { Principal } from './principal.js';

/** How long what is known of the file holds, in milliseconds: a key that is taken out is good for so long at most. */
const LOOK_AGAIN_MS = 1000;
/** The bits of a file's mode that let in others than its owner and its group. */
const OTHERS = 0o007;
/** Octets. Room for more keys than anybody hands out by hand. */
const MAX_FILE = 1024 * 1024;

export interface ApiKeysOptions {
  /** A file of keys, read again when it has changed. */
  readonly file: string | undefined;
  /** The value of `MCP_PROXY_API_KEYS`, of the same form. */
  readonly list: string | undefined;
  readonly clock: Clock;
  readonly emit: Emit;
  /** No key of this principal is left. */
  readonly onGone?: (principal: string) => void;
}

/** Whose key it is, and for how long. */
export interface HeldKey {
  readonly principal: Principal;
  readonly credential: Credential;
}

/** Keys that are handed out, each with a name: whoever shows one is its holder. */
export class ApiKeys {
  readonly #options: ApiKeysOptions;
  readonly #given: readonly Key[];
  #fromFile: readonly Key[] = [];
  /** The same as `#given` and `#fromFile`, by digest. */
  readonly #held = new Map<string, HeldKey>();
  #version = '';
  #lookedAt: number;

  /** Throws `ConfigError` where the file or the list cannot be used. */
  constructor(options: ApiKeysOptions) {
    const { file, list, clock, emit } = options;
    this.#options = options;
    this.#given = list === undefined ? [] : readList(list);
    this.#lookedAt = clock.now();
    if (file !== undefined) {
      this.#version = fileVersion(file);
      try {
        this.#load(file);
      } catch (error) {
        throw new ConfigError(`--api-key-file ${file} cannot be used: ${wordsOf(error)}`);
      }
    }
    this.#hold();
    const all = [...this.#given, ...this.#fromFile];
    const unnamed = new Set(all.filter(({ isNamed }) => !isNamed).map(({ principal }) => principal.name));
    if (unnamed.size > 0) {
      const text = `keys without a name are called by the beginning of their SHA-256: ${[...unnamed].join(', ')}`;
      emit({ level: 'info', text });
    }
    const short = all.filter(({ isShort }) => isShort);
    for (const { principal } of short) {
      this.#warn(
        `the key "${principal.name}" is short enough to be found by trying; take 32 random characters`,
      );
    }
  }

  /** Whose key this is; undefined where it is none. */
  find(credential: string): HeldKey | undefined {
    this.look();
    const key = findKey([...this.#given, ...this.#fromFile], credential);
    return key && this.#held.get(nameOf(key));
  }

  /** Reads the file again where it has changed. One that is broken, or gone, changes nothing. */
  look(): void {
    const { file, clock, emit } = this.#options;
    const now = clock.now();
    if (file === undefined || now - this.#lookedAt < LOOK_AGAIN_MS) return;
    this.#lookedAt = now;
    const version = fileVersion(file);
    if (version === this.#version) return;
    this.#version = version;
    try {
      this.#load(file);
      this.#hold();
      emit({
        level: 'info',
        text: `the keys were read again: there are ${this.#fromFile.length} in ${file}`,
      });
    } catch (error) {
      this.#warn(`${file} cannot be used, so the keys stay as they were: ${wordsOf(error)}`);
    }
  }

  #load(file: string): void {
    const { size, mode } = statSync(file);
    if (size > MAX_FILE) throw new Error(`it is larger than ${MAX_FILE} octets`);
    this.#fromFile = readKeys(readFileSync(file, 'utf8').replace(/^\uFEFF/, ''), this.#given);
    if (process.platform !== 'win32' && (mode & OTHERS) !== 0) {
      this.#warn(`${file} is open to every user of this machine; only its owner should read it: chmod 600`);
    }
  }

  /** Those that are good now. What stands of the others is not. */
  #hold(): void {
    const keys = [...this.#given, ...this.#fromFile];
    const good = new Set(keys.map(nameOf));
    const before = new Set([...this.#held.values()].map(({ principal }) => principal.id));
    for (const name of this.#held.keys()) if (!good.has(name)) this.#held.delete(name);
    for (const key of keys) {
      const name = nameOf(key);
      const { principal } = key;
      if (this.#held.get(name)?.principal.id === principal.id) continue;
      const held: HeldKey = {
        principal,
        credential: { isGood: () => this.#held.get(name) === held, mayFinish: false },
      };
      this.#held.set(name, held);
    }
    for (const { principal } of this.#held.values()) before.delete(principal.id);
    for (const principal of before) this.#options.onGone?.(principal);
  }

  #warn(text: string): void {
    this.#options.emit({ level: 'warning', text });
  }
}

function nameOf({ digest }: Key): string {
  return digest.toString('base64');
}

function readList(list: string): Key[] {
  try {
    return readKeys(list);
  } catch (error) {
    throw new ConfigError(`MCP_PROXY_API_KEYS cannot be used: ${wordsOf(error)}`);
  }
}
