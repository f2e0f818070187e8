import type { IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from './reply.js';

/**
 * Headers that a request may have: far more than any client or reverse proxy sends. How many octets they may have
 * together, Node limits itself (16 KiB).
 */
const MAX_HEADERS = 500;
/** Headers of which Node takes the first and leaves out the others without a word. By lower case. */
const ONCE: ReadonlySet<string> = new Set(['authorization', 'content-type', 'host']);
const LONGEST = Math.max(...[...ONCE].map((name) => name.length));

interface Ambiguity {
  readonly status: number;
  readonly text: string;
}

/**
 * Refuses a request that might mean something else to what stands before the proxy, which may have decided by its
 * own reading whether to let it through. Returns whether it did. How long a body is, Node's parser judges as strictly
 * (RFC 9112, section 6.3).
 */
export function refuseAmbiguous(request: IncomingMessage, response: ServerResponse): boolean {
  const found = ambiguity(request);
  // What comes next on this connection may have been sent by somebody else, or may be no request at all.
  if (found !== undefined) refuse(response, found.status, found.text, { headers: { connection: 'close' } });
  return found !== undefined;
}

function ambiguity(request: IncomingMessage): Ambiguity | undefined {
  const { rawHeaders, headers, url = '' } = request;
  if (request.httpVersionMajor < 1) return { status: 505, text: 'HTTP 0.9 is not spoken here' };
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return { status: 431, text: `a request may have ${MAX_HEADERS} headers` };
  }
  const twice = comesTwice(rawHeaders);
  if (twice !== undefined) return { status: 400, text: `the header ${twice} is there twice` };
  // Where the last one is another than "chunked", nobody knows where the body ends, and the parser refuses it itself.
  if (/,\s*chunked$/i.test(headers['transfer-encoding'] ?? '')) {
    return { status: 501, text: 'of transfer codings only "chunked" is understood' };
  }
  // Of a target that is a whole URL the host is what counts (RFC 9112, section 3.2.2).
  if (!url.startsWith('/') && !sameHost(url, headers.host)) {
    return { status: 400, text: 'the target of the request is of another host than its Host header' };
  }
  return undefined;
}

/** The name of the first header that is there twice, though there may be one. */
function comesTwice(rawHeaders: readonly string[]): string | undefined {
  const seen = new Set<string>();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    if (name.length > LONGEST) continue;
    const key = name.toLowerCase();
    if (!ONCE.has(key)) continue;
    if (seen.has(key)) return name;
    seen.add(key);
  }
  return undefined;
}

/** `*` is no URL, and asks for the server as a whole (section 3.2.4). */
function sameHost(target: string, host: string | undefined): boolean {
  if (target === '*') return true;
  const [, authority] = /^https?:\/\/([^/?#]*)/i.exec(target) ?? [];
  return authority !== undefined && authority.toLowerCase() === host?.toLowerCase();
}
