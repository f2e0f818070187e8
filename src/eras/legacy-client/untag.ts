/** Takes out of a notification what binds it to a stream that the client knows nothing of. */
import { membersOf, objectOf } from '../../jsonrpc/members.js';
import { type Message, metaOf } from '../../jsonrpc/message.js';
import { withParams } from '../../jsonrpc/rewrite.js';
import { META } from '../meta-keys.js';

/** The notification without the subscription's id in its `_meta`; without `_meta` where nothing else is in it. */
export function untagged(notification: Message): Message {
  const meta = metaOf(notification);
  if (meta === undefined || notification.subscriptionAt < 0) return notification;
  const kept = membersOf(meta).filter(({ key }) => key !== META.subscription);
  const params = membersOf(notification.text.slice(notification.paramsAt, notification.paramsEnd));
  const changed = params.flatMap((member) => {
    if (member.key !== '_meta') return [member];
    return kept.length === 0 ? [] : [{ ...member, value: objectOf(kept) }];
  });
  return withParams(notification, objectOf(changed)) ?? notification;
}
