import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { type AddressInfo, connect } from 'node:net';

/** What a proxy was asked for. */
interface ProxyRequest {
  readonly target: string;
  readonly authorization: string | undefined;
  readonly host: string | undefined;
}

/**
 * An ordinary proxy, in front of the server at `port` of this machine, whatever host is asked for. It allows
 * tunnels to port 443 only.
 *
 * @param refusal status with which it refuses everything
 * @param repeats the refusal says who asked it, as he said it and decoded
 */
export async function forwardProxy(port: number, refusal?: number, repeats = false) {
  const asked: ProxyRequest[] = [];
  const server = createServer((request, response) => {
    const { url = '', method, headers } = request;
    asked.push({ target: url, authorization: headers['proxy-authorization'], host: headers.host });
    if (refusal !== undefined) {
      const [, given = ''] = (headers['proxy-authorization'] ?? '').split(' ');
      response.writeHead(refusal);
      response.end(repeats ? `no: ${given} ${Buffer.from(given, 'base64')}` : undefined);
      return;
    }
    const { pathname, search } = new URL(url);
    const far = send({ port, host: '127.0.0.1', path: pathname + search, method, headers });
    far.on('response', (answer) => {
      response.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(response);
    });
    far.on('error', () => response.destroy());
    response.on('close', () => far.destroy());
    request.pipe(far);
  });
  server.on('connect', (request, socket) => {
    const { url = '', headers } = request;
    asked.push({ target: url, authorization: headers['proxy-authorization'], host: headers.host });
    socket.on('error', () => socket.destroy());
    if (refusal !== undefined || !url.endsWith(':443')) {
      socket.end(`HTTP/1.1 ${refusal ?? 403} No\r\n\r\n`);
      return;
    }
    const far = connect(port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      far.pipe(socket).pipe(far);
    });
    far.on('error', () => socket.destroy());
    socket.on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    asked,
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: async (): Promise<void> => {
      server.closeAllConnections();
      server.close();
    },
  };
}
