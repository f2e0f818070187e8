import type { Message } from '../jsonrpc/message.js';
import { scan } from '../jsonrpc/scan.js';
import type { Wire } from '../jsonrpc/wire.js';

/**
 * Takes what a server sent as one text apart: a message, or a batch of them (2025-03-26 only).
 * Returns why the whole is neither, or undefined; `malformed` hears of what is no message inside a batch.
 */
export function readMessages(
  text: Wire,
  take: (message: Message) => void,
  malformed: (reason: string) => void,
): string | undefined {
  const scanned = scan(text);
  if (scanned.kind === 'malformed') return scanned.reason;
  for (const item of scanned.kind === 'batch' ? scanned.items : [scanned]) {
    if (item.kind === 'malformed') malformed(item.reason);
    else take(item);
  }
  return undefined;
}
