/** Peers that vanish without a word: the system is asked to find out. */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { closeAll, eventually, start } from './harness/proxy.js';

afterEach(closeAll);

/** The timer that the system has armed for a connection between these ports: `02` asks whether the peer is there. */
function timerOf(from: number, to: number): string | undefined {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0');
  const rows = readFileSync('/proc/net/tcp', 'latin1').split('\n');
  const row = rows.find((one) => one.includes(`:${hex(from)} 0100007F:${hex(to)} 01 `));
  return row?.trim().split(/\s+/)[5]?.slice(0, 2);
}

it.runIf(process.platform === 'linux')('a connection that is silent is asked for its peer', async () => {
  const { url } = await start();
  const port = Number(new URL(url).port);
  const socket = connect(port, '127.0.0.1');
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
  });
  await eventually(() => (timerOf(port, socket.localPort ?? 0) === '02' ? true : undefined));
  // It is the proxy that asks: the client has not been told to.
  expect(timerOf(socket.localPort ?? 0, port)).toBe('00');
  socket.destroy();
});
