import type { Emit } from '../observability/events.js';
import { FanOut } from '../relay/fan-out.js';
import type { Link } from '../relay/link.js';
import { whenOver } from '../relay/when-over.js';
import type { ServerProcess } from './server-process.js';
import type { Turns } from './turns.js';

export interface GroupLinkOptions {
  readonly turns: Turns<ServerProcess>;
  readonly group: string;
  /** The params of the handshake, which are the same for all of the group. */
  readonly params: () => object;
  readonly emit: Emit;
}

/**
 * The session of one who listens to a group that takes turns: it hears each process, those included that are
 * started while it lasts, and ends with the last of them.
 *
 * At each process it is a bystander, for whom no process is kept: one that was needed because several calls came
 * at once, or one was given up, ends when no call has used it for the usual time, or when its place is needed, since
 * no call can change anything there any more. Only one is kept for who listens, and another when that one is gone;
 * `Turns` has the next call go there, so that the others can end.
 *
 * @param kept a session at the process that is kept
 */
export function groupLink(kept: Link, { turns, group, params, emit }: GroupLinkOptions): Link {
  const all = new FanOut(emit);
  let keeper: Link | undefined;
  const keep = (link: Link | undefined): void => {
    keeper = link;
    link?.listen({
      message: () => undefined, // the bystander at the same process hears it
      closed: () => keep(turns.any(group)?.attach({ isTranslated: true })),
    });
  };
  keep(kept);
  const unwatch = turns.watch(group, (process) => {
    if (keeper === undefined) keep(process.attach({ isTranslated: true }));
    if (process.initialized !== undefined) all.join(bystander(process));
    // Waited for from its beginning, and so in front of the call for which the process was started: what that
    // one changes is heard.
    else all.expect(process.initialize(params()).then(() => bystander(process)));
  });
  return whenOver(all, () => {
    unwatch();
    keeper?.close({ kind: 'ended', text: 'nobody listens any more' });
  });
}

function bystander(process: ServerProcess): Link {
  if (process.ended) throw new Error('the process ended right after its handshake');
  return process.attach({ isTranslated: true, isBystander: true });
}
