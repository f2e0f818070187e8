import type { Authenticator } from './auth/authenticator.js';
import type { Door } from './http/door.js';
import type { Listening } from './http/listener.js';
import type { Servers } from './servers/servers.js';
import type { SessionRegistry } from './sessions/registry.js';

/** How long requests that are under way get to finish when the proxy ends, in milliseconds: `--stop-timeout`. */
const FINISH_MS = 5000;
/** How long answers that are written get at least to reach their clients; what is left of the time above is theirs, too. */
const FLUSH_MS = 2000;
/** When what still runs is killed, in milliseconds after they had that time: it then has time to go. */
const KILL_AFTER_MS = 4500;
/** When nothing is waited for any more: the whole takes 10 s at most, where nothing else is set. */
const GIVE_UP_AFTER_MS = 4900;
/** How often is looked whether they have finished. */
const FINISH_CHECK_MS = 20;

/** What runs, and is to end. */
interface Running {
  readonly servers: Servers;
  readonly sessions: SessionRegistry;
  readonly listener: Listening;
  readonly door: Door;
  readonly authenticator: Authenticator | undefined;
}

/**
 * Ends a proxy that begins nothing new any more: what is under way may finish, then sessions end, then processes.
 *
 * @param finishMs how long what is under way may take, in milliseconds
 */
export async function endInOrder(
  { servers, sessions, listener, door, authenticator }: Running,
  finishMs = FINISH_MS,
): Promise<void> {
  const killing = setTimeout(() => {
    for (const one of servers.all) one.pool.killNow();
  }, finishMs + KILL_AFTER_MS);
  let givingUp: NodeJS.Timeout | undefined;
  const tooLong = new Promise<void>((resolve) => {
    givingUp = setTimeout(resolve, finishMs + GIVE_UP_AFTER_MS);
  });
  // The port stays open so long: what is under way may wait for an answer that the client has yet to
  // POST, and whoever comes with something new is told why not.
  const deadline = Date.now() + finishMs;
  const isBusy = (): boolean => {
    // Who comes back to a call that waits for its client is refused by now.
    for (const one of servers.all) one.giveUpParked();
    return servers.all.some((one) => one.busy) || sessions.owes;
  };
  while (isBusy() && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, FINISH_CHECK_MS));
  }
  sessions.close('the proxy is stopping');
  const all = [
    listener.close(Math.max(FLUSH_MS, deadline - Date.now())),
    door.close(),
    authenticator?.close(),
    ...servers.all.map((one) => one.stop('the proxy is stopping')),
  ];
  await Promise.race([Promise.all(all), tooLong]);
  clearTimeout(killing);
  clearTimeout(givingUp);
}
