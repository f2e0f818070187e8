import { expect, it } from 'vitest';
import { findingOfRemote, type SeenRemote } from '../../../src/check/remote-finding.js';
import { makeError } from '../../../src/jsonrpc/make.js';

const FAILED: SeenRemote = {
  url: 'https://host.example/mcp',
  transport: 'auto',
  otherwise: undefined,
  handshake: 'refused',
  refusal: 'the reason',
  failure: undefined,
  waitedMs: 30_000,
  isKnown: false,
  faults: [],
};

it('is well where it answers and lists what it has', () => {
  expect(findingOfRemote({ ...FAILED, handshake: 'answered' }).verdict).toBe('ok');
  const faults = ['refuses "tools/list": broken'];
  expect(findingOfRemote({ ...FAILED, handshake: 'answered', faults }).verdict).toBe('list-failed');
});

it('names the transport that is spoken where another is forced', () => {
  const seen = { ...FAILED, transport: 'sse', otherwise: 'streamablehttp' } as const;
  const { verdict, reason, remedy } = findingOfRemote(seen);
  expect(verdict).toBe('wrong-transport');
  expect(reason).toContain('does not speak HTTP+SSE');
  expect(remedy).toContain('--transport streamablehttp');
});

it.each([
  [
    { kind: 'refused', status: 401, text: 'a' },
    'needs-sign-in',
    'mcp-proxy https://host.example/mcp opens a browser',
  ],
  [{ kind: 'credentials', text: 'a' }, 'needs-sign-in', 'API_ACCESS_TOKEN'],
  [
    { kind: 'refused', text: 'The TLS certificate of x is not trusted (CERT_HAS_EXPIRED).' },
    'untrusted',
    '--verify-ssl',
  ],
  [{ kind: 'refused', text: 'failed: ERR_SSL_WRONG_VERSION_NUMBER.' }, 'untrusted', 'http://'],
  [{ kind: 'unreachable', text: 'x (ENOTFOUND)' }, 'unreachable', 'spelled'],
  [{ kind: 'unreachable', text: 'x (ECONNREFUSED)' }, 'unreachable', 'the port'],
  [{ kind: 'unreachable', text: 'x (ETIMEDOUT)' }, 'unreachable', 'HTTPS_PROXY'],
  [{ kind: 'unreachable', status: 503, text: 'x' }, 'unreachable', 'What stands in front of it'],
  [{ kind: 'timeout', text: 'x' }, 'no-answer', 'URL'],
  [{ kind: 'foreign', text: 'a page' }, 'no-mcp', '/mcp'],
  [{ kind: 'refused', status: 404, text: 'x' }, 'no-mcp', '/sse'],
  [{ kind: 'refused', status: 403, text: 'x' }, 'refused', 'what the server says'],
  [{ kind: 'lost', text: 'x' }, 'ended', 'again'],
] as const)('tells of %o that it is %s', (failure, verdict, remedy) => {
  const finding = findingOfRemote({ ...FAILED, failure });
  expect(finding).toMatchObject({ verdict, reason: failure.text });
  expect(finding.remedy).toContain(remedy);
});

it('says of credentials that were given that they are not accepted', () => {
  const failure = { kind: 'refused', status: 401, text: 'x' } as const;
  expect(findingOfRemote({ ...FAILED, failure, isKnown: true }).remedy).toContain('not accepted');
});

it('takes an error of the server for its own answer, whatever its status', () => {
  const failure = { kind: 'refused', status: 400, text: 'x', answer: makeError('1', -32600, 'no') } as const;
  expect(findingOfRemote({ ...FAILED, failure })).toMatchObject({
    verdict: 'refused',
    reason: expect.stringContaining('the reason'),
  });
});

it('tells silence with its time', () => {
  expect(findingOfRemote({ ...FAILED, handshake: 'silent' }).reason).toContain('30 s');
});
