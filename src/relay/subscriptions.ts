import type { Port } from './port.js';

/** Resources that one session may be subscribed to: more than any client shows, and it bounds the memory. */
export const MAX_SUBSCRIPTIONS = 10_000;

/** Who subscribed to which resource on an upstream that several sessions share. */
export class Subscriptions {
  readonly #byUri = new Map<string, Set<Port>>();
  readonly #byPort = new Map<Port, Set<string>>();

  /** `known`: it was subscribed to this resource before. `full`: it has as many as it may have. */
  add(uri: string, port: Port): 'new' | 'known' | 'full' {
    const uris = this.#byPort.get(port) ?? new Set();
    if (uris.has(uri)) return 'known';
    if (uris.size >= MAX_SUBSCRIPTIONS) return 'full';
    this.#byPort.set(port, uris.add(uri));
    this.#byUri.set(uri, (this.#byUri.get(uri) ?? new Set()).add(port));
    return 'new';
  }

  /** Returns whether nobody is left who wants this resource. */
  remove(uri: string, port: Port): boolean {
    const uris = this.#byPort.get(port);
    uris?.delete(uri);
    if (uris?.size === 0) this.#byPort.delete(port);
    const ports = this.#byUri.get(uri);
    ports?.delete(port);
    if (ports !== undefined && ports.size > 0) return false;
    this.#byUri.delete(uri);
    return true;
  }

  /** Forgets a session; returns the resources that nobody wants any more. */
  forget(port: Port): string[] {
    return [...(this.#byPort.get(port) ?? [])].filter((uri) => this.remove(uri, port));
  }

  /**
   * Who hears of an update. The updated resource may lie below the one that was subscribed to
   * (schema, `ResourceUpdatedNotification`).
   */
  audience(updated: string): ReadonlySet<Port> {
    const ports = new Set<Port>();
    for (const [uri, subscribers] of this.#byUri) {
      if (covers(uri, updated)) for (const port of subscribers) ports.add(port);
    }
    return ports;
  }
}

/** Whether the updated resource is the one that was subscribed to, or lies below it. */
export function covers(uri: string, updated: string): boolean {
  if (updated === uri) return true;
  return updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`);
}
