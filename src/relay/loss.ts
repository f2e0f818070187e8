import type { CloseReason } from './link.js';

/** The loss of a server in words that name it; those of a process that ended do so themselves. */
export function lossText(server: string, { text }: CloseReason): string {
  const name = `server "${server}"`;
  return text.includes(name) ? text : `${name}: ${text}`;
}
