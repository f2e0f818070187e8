import { request } from 'node:http';
import type { Socket } from 'node:net';
import { ProxyRefused } from './proxy.js';

/**
 * Asks a proxy for a tunnel (RFC 9110, section 9.3.6). Exactly one of the two is called, later.
 *
 * @param socket a connection to the proxy
 * @param target HOST:PORT
 * @param authorization for the proxy
 */
export function digTunnel(
  socket: Socket,
  target: string,
  authorization: string | undefined,
  dug: (socket: Socket) => void,
  failed: (error: Error) => void,
): void {
  const own = authorization === undefined ? [] : ['proxy-authorization', authorization];
  request({
    method: 'CONNECT',
    path: target,
    headers: ['host', target, 'proxy-connection', 'keep-alive', ...own],
    createConnection: () => socket,
    insecureHTTPParser: false,
  })
    .on('connect', ({ statusCode = 0 }, tunnel: Socket, head) => {
      if (statusCode < 200 || statusCode > 299) {
        failed(new ProxyRefused(statusCode));
        return;
      }
      if (head.length > 0) tunnel.unshift(head);
      dug(tunnel);
    })
    .on('error', failed)
    .end();
}
