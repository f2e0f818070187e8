import type { Port } from './port.js';

/** Who subscribed to which resource on an upstream that several sessions share. */
export class Subscriptions {
  readonly #byUri = new Map<string, Set<Port>>();

  /** Returns whether it was not subscribed to this resource before. */
  add(uri: string, port: Port): boolean {
    const ports = this.#byUri.get(uri);
    if (!ports) this.#byUri.set(uri, new Set([port]));
    else if (ports.has(port)) return false;
    else ports.add(port);
    return true;
  }

  /** Returns whether nobody is left who wants this resource. */
  remove(uri: string, port: Port): boolean {
    const ports = this.#byUri.get(uri);
    if (!ports) return true;
    ports.delete(port);
    if (ports.size > 0) return false;
    this.#byUri.delete(uri);
    return true;
  }

  /** Forgets a session; returns the resources that nobody wants any more. */
  forget(port: Port): string[] {
    return [...this.#byUri]
      .filter(([uri, ports]) => ports.has(port) && this.remove(uri, port))
      .map(([uri]) => uri);
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

function covers(uri: string, updated: string): boolean {
  if (updated === uri) return true;
  return updated.startsWith(uri.endsWith('/') ? uri : `${uri}/`);
}
