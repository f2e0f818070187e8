import type { Live, Traffic } from './live.js';

/** What became of a question to the proxy. */
export type Asked<T> =
  | { readonly kind: 'answer'; readonly value: T }
  /** It wants to know who asks, and does not know by what was shown. */
  | { readonly kind: 'key' }
  | { readonly kind: 'failed'; readonly text: string };

/** How long an answer may take, in milliseconds: the proxy answers at once, unless it is not there any more. */
const ANSWER_MS = 10_000;

/** The proxy, as this page reaches it. */
export class ProxyClient {
  /** Its URL, as the browser sees it, with a slash at its end: behind a reverse proxy there may be a prefix. */
  readonly url: string;
  /** Kept in memory only, and sent in a header only. */
  key = '';

  constructor(page: string) {
    const url = new URL(page);
    const path = url.pathname.replace(/\/status\/?$/, '').replace(/\/?$/, '/');
    this.url = url.origin + path;
  }

  live(): Promise<Asked<Live>> {
    return this.#ask('status/live');
  }

  /** @param from the number of the first message that is not known yet */
  traffic(from: number): Promise<Asked<Traffic>> {
    return this.#ask(`status/traffic?from=${from}`);
  }

  async #ask<T>(path: string): Promise<Asked<T>> {
    const headers: Record<string, string> = { accept: 'application/json' };
    if (this.key !== '') headers.authorization = `Bearer ${this.key}`;
    try {
      const response = await fetch(this.url + path, {
        headers,
        cache: 'no-store',
        credentials: 'same-origin', // a certificate, where the browser has one,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      if (response.status === 401) return { kind: 'key' };
      if (!response.ok) return { kind: 'failed', text: `The proxy refuses with status ${response.status}.` };
      return { kind: 'answer', value: await response.json() };
    } catch {
      return { kind: 'failed', text: 'The proxy does not answer.' };
    }
  }
}
