import type { Socket } from 'node:net';
import { type DetailedPeerCertificate, TLSSocket } from 'node:tls';
import type { Credential } from './credential.js';
import type { Principal } from './principal.js';

const NO_SCOPES: ReadonlySet<string> = new Set();

/** Whose certificate a connection was made with, and for how long it is good. */
export interface CertificateHolder {
  readonly principal: Principal;
  readonly credential: Credential;
}

const holders = new WeakMap<Socket, CertificateHolder>();
/** Connections whose certificate was checked by authorities that count no more. */
const takenBack = new WeakSet<Socket>();

/**
 * Whose certificate a connection was made with; undefined where it has none, or none of an authority that was named.
 * The listener lets nobody else in; but a connection may last longer than its certificate.
 */
export function certificateHolder(socket: Socket): CertificateHolder | undefined {
  const known = holders.get(socket);
  if (known !== undefined) return known;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  // Asked for first: Node 20 does not have those behind it any more once it has given out the other form.
  const until = endOf(socket.getPeerCertificate(true));
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || !certificate.subject) return undefined;
  // A line for each part, whose own line breaks are escaped.
  const name = certificate.subject.split('\n').join(', ');
  const holder: CertificateHolder = {
    principal: { kind: 'certificate', id: `certificate:${name}`, name, scopes: NO_SCOPES },
    credential: { isGood: (now) => now < until && !takenBack.has(socket), mayFinish: true },
  };
  holders.set(socket, holder);
  return holder;
}

/** When the first one ends, of a certificate and of those that vouch for it; milliseconds since 1970. */
function endOf(certificate: DetailedPeerCertificate): number {
  const seen = new Set<DetailedPeerCertificate>();
  // The last one has signed itself, or is the last that is known.
  for (let one = certificate; one !== undefined && !seen.has(one); one = one.issuerCertificate) seen.add(one);
  return Math.min(...[...seen].map(({ valid_to: to }) => Date.parse(to)));
}

/** From now on the certificate of this connection is not good any more. */
export function takeBackCertificate(socket: Socket): void {
  takenBack.add(socket);
}

/** Whether a connection that needs a certificate still has a good one. */
export function hasGoodCertificate(socket: Socket): boolean {
  return certificateHolder(socket)?.credential.isGood(Date.now()) ?? false;
}
