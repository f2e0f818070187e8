import type { IncomingMessage } from 'node:http';

/** Whether a reverse proxy says that somebody elsewhere asks (RFC 7239, and what was there before it). */
export function isForwarded({ headers }: IncomingMessage): boolean {
  return ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip'].some(
    (name) => headers[name] !== undefined,
  );
}
