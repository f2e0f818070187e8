import type { Server } from 'node:http';
import type { Scope } from './scope.js';

/** Has a server that is written by hand listen on a free port until the scope ends. Returns its origin. */
export async function listen(scope: Scope, server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  scope.add(server, async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`;
}
