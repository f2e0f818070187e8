import type { Failure } from '../remote/failure.js';
import type { Finding } from './report.js';

/** What was seen of a server at a URL. Texts are fit to be shown. */
export interface SeenRemote {
  readonly url: string;
  /** The transport that is forced. */
  readonly transport: 'auto' | 'sse' | 'streamablehttp';
  /** The one over which it answers, where it does not over the forced one. */
  readonly otherwise: 'sse' | 'streamablehttp' | undefined;
  readonly handshake: 'answered' | 'refused' | 'ended' | 'silent';
  /** The error that the handshake came to, and what went wrong with the request, where anything did. */
  readonly refusal: string;
  readonly failure: Pick<Failure, 'kind' | 'status' | 'text' | 'answer'> | undefined;
  readonly waitedMs: number;
  /** Whether credentials were given. */
  readonly isKnown: boolean;
  readonly faults: readonly string[];
}

const NAMES = { sse: 'HTTP+SSE', streamablehttp: 'Streamable HTTP' } as const;

/** What a check of a URL comes to. */
export function findingOfRemote(seen: SeenRemote): Finding {
  const { handshake, faults, failure, refusal, transport, otherwise, waitedMs } = seen;
  if (handshake === 'answered') {
    if (faults.length === 0) return finding('ok', '', '');
    const reason = `It ${faults.join('; it ')}.`;
    return finding('list-failed', reason, 'Its handshake is good: this is for the server to put right.');
  }
  if (transport !== 'auto' && otherwise !== undefined) {
    const reason = `It does not speak ${NAMES[transport]}, which --transport ${transport} forces; it speaks ${NAMES[otherwise]}.`;
    const remedy = `Leave --transport out, so that it is found out, or give --transport ${otherwise}.`;
    return finding('wrong-transport', reason, remedy);
  }
  // A JSON-RPC error is the server's own answer, whatever its status; 401 says more than it.
  const isItsOwn = failure?.answer !== undefined && failure.status !== 401;
  if (failure !== undefined && !isItsOwn) return ofFailure(seen, failure);
  if (handshake === 'silent') {
    const reason = `It did not answer the handshake within ${Math.round(waitedMs / 100) / 10} s.`;
    return finding(
      'no-answer',
      reason,
      'Check that the URL is that of an MCP server, and that the server works.',
    );
  }
  const remedy = "This is the server's own answer: look at what it says, or for a newer version of it.";
  return finding('refused', `It refused the handshake: ${refusal}`, remedy);
}

function ofFailure(
  { url, isKnown }: SeenRemote,
  { kind, status, text }: NonNullable<SeenRemote['failure']>,
): Finding {
  if (status === 401 || kind === 'credentials') {
    if (isKnown) {
      return finding(
        'needs-sign-in',
        text,
        'The credentials that were given are not accepted: exchange them, or leave them out to sign in.',
      );
    }
    const remedy = `Sign in once, in a terminal: mcp-proxy ${url} opens a browser, and keeps the sign-in. Or give a token: --headers Authorization "Bearer TOKEN", or API_ACCESS_TOKEN in the environment.`;
    return finding('needs-sign-in', text, remedy);
  }
  if (status === undefined && isOfTls(text)) {
    const remedy = /EPROTO|ERR_SSL|ERR_TLS|WRONG_VERSION/.test(text)
      ? 'Check that this port speaks TLS; where it does not, the URL begins with http://.'
      : 'Trust its authority: --verify-ssl FILE, or NODE_EXTRA_CA_CERTS in the environment. Check the name in the URL and the date of this machine.';
    return finding('untrusted', text, remedy);
  }
  switch (kind) {
    case 'unreachable':
      return finding('unreachable', text, unreachable(text, status));
    case 'timeout':
      return finding(
        'no-answer',
        text,
        'Check that the URL is that of an MCP server, and that the server works.',
      );
    case 'foreign':
      return finding(
        'no-mcp',
        text,
        'Check the path of the URL: it mostly ends with /mcp (Streamable HTTP) or /sse (HTTP+SSE).',
      );
    case 'refused':
      if (status === 404 || status === 405 || status === 400) {
        return finding(
          'no-mcp',
          text,
          'Check the path of the URL: it mostly ends with /mcp (Streamable HTTP) or /sse (HTTP+SSE).',
        );
      }
      return finding(
        'refused',
        text,
        'Look at what the server says; a server in trouble may be right again later.',
      );
    case 'session':
    case 'lost':
      return finding('ended', text, 'Check again; where it stays so, look at the log of the server.');
  }
}

function isOfTls(text: string): boolean {
  return /\bTLS certificate\b|\bEPROTO\b|\bERR_SSL|\bERR_TLS/.test(text);
}

function unreachable(text: string, status: number | undefined): string {
  if (status !== undefined)
    return 'What stands in front of it answers, and it does not: check that the server runs.';
  if (/ENOTFOUND|EAI_AGAIN/.test(text))
    return 'Check how the host is spelled, and that this machine can look names up.';
  if (/ECONNREFUSED/.test(text)) return 'Check that the server runs, and the port in the URL.';
  return 'Check the URL and the network. Where only a proxy reaches the internet, set HTTPS_PROXY.';
}

function finding(verdict: Finding['verdict'], reason: string, remedy: string): Finding {
  return { verdict, reason, remedy, notes: [] };
}
