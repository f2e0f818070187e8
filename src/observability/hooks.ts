import type { Hook, HookMessage, Verdict } from '../relay/hook.js';
import type { Conversation } from './conversation.js';

/** Between whom a message passes. */
export interface HookContext {
  /** Who has sent it. */
  readonly from: 'client' | 'server';
  /** The name of the server definition; in client mode the URL's origin. */
  readonly server: string;
  /** A name of the session that may be shown, and is not its id; undefined where the client has none. */
  readonly session: string | undefined;
  readonly transport: Conversation['transport'];
  readonly era: Conversation['era'];
  /** Who the client has been found out to be (`key:ann`); undefined where nobody is asked. */
  readonly principal: string | undefined;
  /** Undefined until it is known. */
  readonly client: { readonly name: string; readonly version: string } | undefined;
  /** What is spoken with the client; undefined until that is known. */
  readonly protocolVersion: string | undefined;
}

/**
 * Sees each message on its way between a client and its server, and may answer, change or drop it (`Verdict`). What it
 * throws keeps the message back.
 */
export type MessageHook = (
  message: HookMessage,
  context: HookContext,
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that only looks returns nothing
) => Verdict | void | Promise<Verdict | void>;

/** The hook of one conversation. */
export function hookOf(hook: MessageHook, conversation: Conversation): Hook {
  return (message, from) => hook(message, contextOf(conversation, from));
}

function contextOf(conversation: Conversation, from: HookContext['from']): HookContext {
  const { server, shownId, transport, era, principal, client } = conversation;
  return {
    from,
    server,
    session: shownId,
    transport,
    era,
    principal,
    client,
    protocolVersion: conversation.version(),
  };
}
