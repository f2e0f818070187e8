import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import type { Principal } from './principal.js';

const NO_SCOPES: ReadonlySet<string> = new Set();
const holders = new WeakMap<Socket, Principal>();

/**
 * Whose certificate a connection was made with; undefined where it has none, or none of an authority that was named.
 * The listener lets nobody else in.
 */
export function certificateHolder(socket: Socket): Principal | undefined {
  const known = holders.get(socket);
  if (known !== undefined) return known;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerX509Certificate()?.subject;
  if (subject === undefined || subject === '') return undefined;
  // A line for each part, whose own line breaks are escaped.
  const name = subject.split('\n').join(', ');
  const holder: Principal = { kind: 'certificate', id: `certificate:${name}`, name, scopes: NO_SCOPES };
  holders.set(socket, holder);
  return holder;
}
