import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
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
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined || !certificate.subject) return undefined;
  const until = Date.parse(certificate.validTo);
  // A line for each part, whose own line breaks are escaped.
  const name = certificate.subject.split('\n').join(', ');
  const holder: CertificateHolder = {
    principal: { kind: 'certificate', id: `certificate:${name}`, name, scopes: NO_SCOPES },
    credential: { isGood: (now) => now < until && !takenBack.has(socket), mayFinish: true },
  };
  holders.set(socket, holder);
  return holder;
}

/** From now on the certificate of this connection is not good any more. */
export function takeBackCertificate(socket: Socket): void {
  takenBack.add(socket);
}

/** Whether a connection that needs a certificate still has a good one. */
export function hasGoodCertificate(socket: Socket): boolean {
  return certificateHolder(socket)?.credential.isGood(Date.now()) ?? false;
}
