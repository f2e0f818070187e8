/** One thing that tokens can be for: a server's endpoint, or the proxy as a whole. */
export interface Resource {
  /** The path, as in `/servers/NAME/mcp`; empty: the proxy as a whole. */
  readonly path: string;
  /** All paths of the same server: a token for one of them is good for each. */
  readonly paths: readonly string[];
}

/** The proxy as a whole, as for `/status`. */
export const WHOLE: Resource = { path: '', paths: [] };

const WELL_KNOWN = '/.well-known/oauth-protected-resource';

/**
 * Under which names tokens may be for this proxy and its servers, and under which a client finds out how to get one
 * (RFC 9728; RFC 8707). None of them is taken from a request: whoever sends it could name somebody else's.
 */
export class Resources {
  /** URLs of the proxy, without a slash at the end; the first is shown to clients that came under none of them. */
  #bases: readonly string[] = [];
  readonly #given: readonly string[];
  readonly #basePath: string;

  /**
   * @param audiences what tokens must be for; those that are URLs are where clients reach the proxy. Empty: the URLs
   * on which it listens
   * @param basePath the path prefix under which clients see it
   */
  constructor(audiences: readonly string[], basePath: string) {
    this.#given = audiences;
    this.#basePath = basePath.replace(/\/+$/, '');
    this.#bases = audiences.filter(isWebUrl).map(bare);
  }

  /** Tells on which URLs the proxy listens, the one to be shown first. */
  listening(urls: readonly string[]): void {
    if (this.#bases.length === 0) this.#bases = urls.map((url) => bare(url) + this.#basePath);
  }

  /** Whether a token for these audiences is one for this resource. */
  isFor(audiences: readonly string[], { paths }: Resource): boolean {
    const bases = this.#given.length > 0 ? this.#given.map(bare) : this.#bases;
    const good = new Set(
      bases.flatMap((base) => (isWebUrl(base) ? [base, ...paths.map((path) => base + path)] : [base])),
    );
    return audiences.some((one) => good.has(bare(one)));
  }

  /** Where the metadata of a resource are. @param host what the client calls the proxy, from its `Host` */
  metadataUrl({ path }: Resource, host: string | undefined): string {
    return this.#base(host) + WELL_KNOWN + path;
  }

  /** The URL of a resource. */
  urlOf({ path }: Resource, host: string | undefined): string {
    return this.#base(host) + path;
  }

  /** Takes the prefix under which clients see the proxy from a path, where it is there. */
  withoutPrefix(path: string): string {
    const prefix = this.#bases
      .map((base) => new URL(base).pathname)
      .find((one) => one !== '/' && path.startsWith(`${one}/`));
    return prefix === undefined ? path : path.slice(prefix.length);
  }

  #base(host: string | undefined): string {
    const found = this.#bases.find((base) => new URL(base).host === host?.toLowerCase());
    return found ?? this.#bases[0] ?? '';
  }
}

export function isWebUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

function bare(url: string): string {
  return url.replace(/\/$/, '');
}
