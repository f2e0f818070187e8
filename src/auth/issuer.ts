import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { asRecord } from '../jsonrpc/message.js';
import { wordsOf } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import { type JsonClient, Refused } from './json-client.js';
import { isSecureUrl } from './secure-url.js';
import { Unavailable } from './unavailable.js';

/** How old the keys may be before they are fetched anew, in milliseconds, while they are still used. */
const FRESH_MS = 10 * 60_000;
/** How old they may be while the issuer can't be reached: what it has taken back meanwhile is not known here. */
const STALE_MS = 60 * 60_000;
/**
 * The least time between two fetches, in milliseconds: a token with an unknown key may be the first one after a change
 * of keys, or made up by anybody; and an issuer that is down is not helped by more questions.
 */
const AGAIN_MS = 5000;
/** Keys that are taken; nobody signs with so many. */
const MAX_KEYS = 100;
/**
 * Names of unknown keys that are kept for the next fetch. Whoever makes up names fills that up, and for as long as he
 * goes on, a token with a name that found no room gets 503 where it would get 401. No good token is kept out by that:
 * the next fetch, 5 s after the last at the latest once somebody asks, brings its key whether its name is kept or not.
 */
const MAX_WANTED = 1000;
/** Characters that the name of a key may have; nobody names keys so. With a longer one there is none. */
const MAX_NAME = 1024;

interface Keys {
  readonly find: JWTVerifyGetKey;
  readonly names: ReadonlySet<unknown>;
  readonly at: number;
}

/** The authorization server whose tokens are taken: its metadata and its keys (RFC 8414, RFC 7517). */
export class Issuer {
  readonly url: string;
  readonly #clock: Clock;
  readonly #http: JsonClient;
  #keys: Keys | undefined;
  #loading: Promise<void> | undefined;
  #triedAt = Number.NEGATIVE_INFINITY;
  #failure: unknown;
  /** Names of keys that tokens have had since the last fetch began, and that were not known. */
  #wanted = new Set<unknown>();
  /** Names that the last fetch was to find: those wanted before it, and those of the keys that it replaced. */
  #sought: ReadonlySet<unknown> = new Set();

  /** @param url as its tokens name it in `iss`, character for character */
  constructor(url: string, clock: Clock, http: JsonClient) {
    this.url = url;
    this.#clock = clock;
    this.#http = http;
  }

  /**
   * For `jwtVerify`. Rejects with `Unavailable` where the keys can't be had, or where the token names one that has not
   * been looked for and can't be yet; and with an error of jose for no key.
   */
  readonly keyFor: JWTVerifyGetKey = async (header, token) => {
    this.#want(header.kid);
    const held = await this.#held();
    try {
      return await held.find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
    // It may be a new one.
    const mayFetch = this.#clock.now() - this.#triedAt >= AGAIN_MS;
    if (mayFetch || this.#loading !== undefined) await this.#load();
    try {
      return await (this.#keys ?? held).find(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey) || this.#isSettled(header.kid)) throw error;
      const text = `a token names a key of ${this.url} that the last fetch was not to find; the next may bring it`;
      throw new Unavailable(text);
    }
  };

  /** @param name whatever the token says */
  #want(name: unknown): void {
    if (!isName(name) || this.#keys?.names.has(name) === true) return;
    if (this.#wanted.size < MAX_WANTED) this.#wanted.add(name);
  }

  /** Whether it is known if there is a key of that name. Without a name, what is held is all that there is. */
  #isSettled(name: unknown): boolean {
    return !isName(name) || this.#keys?.names.has(name) === true || this.#sought.has(name);
  }

  async #held(): Promise<Keys> {
    const now = this.#clock.now();
    const held = this.#keys;
    if (held !== undefined && now - held.at < FRESH_MS) return held;
    const isLoading = this.#loading !== undefined;
    if (!isLoading && now - this.#triedAt < AGAIN_MS) {
      if (held !== undefined && now - held.at < STALE_MS) return held;
      throw this.#failure;
    }
    const loading = this.#load();
    if (held !== undefined && now - held.at < STALE_MS) {
      loading.catch(() => undefined); // told by whoever has no keys any more
      return held;
    }
    await loading;
    if (this.#keys === undefined) throw new Unavailable(`${this.url} has no keys`);
    return this.#keys;
  }

  #load(): Promise<void> {
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  async #fetch(): Promise<void> {
    this.#triedAt = this.#clock.now();
    const sought = new Set([...this.#wanted, ...(this.#keys?.names ?? [])]);
    this.#wanted = new Set();
    this.#sought = new Set();
    try {
      const { jwks_uri: where } = await this.#metadata();
      if (typeof where !== 'string' || !isSecureUrl(where)) {
        throw new Unavailable(`the metadata of ${this.url} names no jwks_uri with https`);
      }
      const set = keySet(await this.#http.get(new URL(where)));
      const names = new Set(set.keys.map((key) => asRecord(key).kid));
      this.#keys = { find: createLocalJWKSet(set), names, at: this.#clock.now() };
      this.#sought = sought;
    } catch (error) {
      this.#failure =
        error instanceof Unavailable ? error : new Unavailable(`no keys of ${this.url}: ${wordsOf(error)}`);
      throw this.#failure;
    }
  }

  /** From the first place that has it (2026-07-28, `basic/authorization`, "Authorization Server Metadata Discovery"). */
  async #metadata(): Promise<Readonly<Record<string, unknown>>> {
    const tried: string[] = [];
    for (const url of metadataUrls(this.url)) {
      try {
        const found = await this.#http.get(url);
        // Else whoever can put a page there could have their own tokens taken (RFC 8414, section 3.3).
        if (found.issuer === this.url) return found;
        const named = JSON.stringify(found.issuer);
        tried.push(
          `${url.href} is the metadata of another issuer, ${named}; give exactly that to --auth-issuer`,
        );
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        tried.push(error.message);
      }
    }
    throw new Unavailable(`${this.url} has no metadata of an authorization server: ${tried.join('; ')}`);
  }
}

function isName(name: unknown): boolean {
  return typeof name === 'string' && name.length <= MAX_NAME;
}

function metadataUrls(issuer: string): URL[] {
  const { origin, pathname } = new URL(issuer);
  const path = pathname.replace(/\/+$/, '');
  const urls = [
    `${origin}/.well-known/oauth-authorization-server${path}`,
    `${origin}/.well-known/openid-configuration${path}`,
    `${origin}${path}/.well-known/openid-configuration`,
  ];
  return [...new Set(urls)].map((url) => new URL(url));
}

function keySet({ keys }: Readonly<Record<string, unknown>>): JSONWebKeySet {
  if (!Array.isArray(keys) || keys.length > MAX_KEYS)
    throw new Error('what its jwks_uri gives is no set of keys');
  return { keys };
}
