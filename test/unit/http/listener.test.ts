/** How many connections there may be at once. */

import { afterEach, expect, it } from 'vitest';
import { Answering } from '../../../src/http/answering.js';
import { Listener } from '../../../src/http/listener.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { Socket } from '../../attacks/harness/socket.js';
import { raw } from '../../attacks/harness/target.js';
import { Scope } from '../../e2e/harness/scope.js';
import { guards } from '../../security.js';

const scope = new Scope();
afterEach(() => scope.end());

const GET = raw(['GET / HTTP/1.1', 'Host: localhost']);

it(`${guards('slow.bounded')} one connection more is closed, which is told once; there is room when one ends`, async () => {
  const events: ProxyEvent[] = [];
  const listener = scope.add(
    new Listener(
      (_, response) => response.end('here'),
      (event) => events.push(event),
      new Answering(),
      undefined,
      {
        maxConnections: 2,
      },
    ),
    (one) => one.close(0),
  );
  const url = `http://127.0.0.1:${await listener.listen('127.0.0.1', 0)}`;
  const served = async (): Promise<Socket> => {
    const socket = await Socket.open(scope, url);
    socket.write(GET);
    await socket.answers(1);
    return socket;
  };
  const [first, second] = [await served(), await served()];
  for (let n = 0; n < 3; n++) {
    const third = await served();
    expect([third.isClosed, third.text]).toEqual([true, '']);
  }
  expect(events).toEqual([
    { level: 'warning', text: expect.stringMatching(/a connection was closed: there are 2 already/) },
  ]);
  first.close();
  while ((await served()).isClosed);
  expect(second.isClosed).toBe(false);
});
