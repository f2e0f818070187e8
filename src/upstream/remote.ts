import type { UpstreamEra } from '../config/definition.js';
import type { Emit } from '../observability/events.js';
import { Secrets, SHORTEST_HEADER } from '../observability/secrets.js';
import { ClientCredentials } from '../remote/credentials.js';
import { querySecrets } from '../remote/describe-url.js';
import type { Verify } from '../remote/dispatcher.js';
import { checkHeaders, type Header } from '../remote/headers.js';
import { HttpClient } from '../remote/http.js';
import type { RemoteLink, RemoteTimings } from '../remote/remote-link.js';
import { Front } from './front.js';

export interface RemoteOptions {
  readonly url: URL;
  /** `auto`: find out. */
  readonly transport: 'auto' | 'sse' | 'streamablehttp';
  /** What the server speaks; `auto`: it is asked. HTTP+SSE is of the legacy era. */
  readonly era: UpstreamEra;
  /** For every request. An `Authorization` among them holds, whatever the credentials are. */
  readonly headers: readonly Header[];
  readonly credentials?: {
    readonly clientId: string;
    readonly clientSecret: string;
    readonly tokenUrl: URL;
  };
  readonly verify: Verify;
  readonly timings?: Partial<RemoteTimings>;
}

/**
 * A link to a remote server, for a client of either era. It connects when the client's first request comes.
 * Throws an `Error` in words for headers that cannot be sent and a CA bundle that cannot be read.
 */
export function connectRemote(options: RemoteOptions, emit: Emit): RemoteLink {
  const { url, verify, credentials } = options;
  const secrets = new Secrets();
  const { headers, dropped } = checkHeaders(options.headers, url);
  for (const value of Object.values(headers)) secrets.add(value, SHORTEST_HEADER);
  for (const value of [url.password, ...querySecrets(url)]) secrets.add(value);
  for (const name of dropped) {
    emit({ level: 'warning', text: `The header "${name}" is left out: the transport sets it itself.` });
  }
  const mask = (text: string): string => secrets.mask(text);
  const source =
    credentials === undefined || headers.authorization !== undefined
      ? {}
      : {
          credentials: new ClientCredentials({
            ...credentials,
            secrets,
            http: new HttpClient({ origin: credentials.tokenUrl.origin, verify, mask, emit }),
          }),
        };
  const http = new HttpClient({ origin: url.origin, verify, headers, mask, emit, ...source });
  return new Front({ ...options, http, emit });
}
