import type { Port } from './port.js';

/** RFC 5424 severities as MCP's logging utility names them, the most talkative first. */
export const LOG_LEVELS: readonly string[] = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
];

/**
 * The log levels of the sessions that share one upstream, which knows a single one.
 *
 * The server is asked for the most talkative level that any session wants, and each session hears what
 * its own level lets through. Which level a server has by itself nobody knows, so as long as one session
 * has not set any, a quieter level of another must not reach the server: it is asked for everything.
 */
export class LogLevels {
  readonly #wanted = new Map<Port, string | undefined>();

  join(port: Port): void {
    this.#wanted.set(port, undefined);
  }

  leave(port: Port): void {
    this.#wanted.delete(port);
  }

  /** Records what a session wants. Returns false where that is no level MCP knows. */
  set(port: Port, level: string): boolean {
    if (!LOG_LEVELS.includes(level)) return false;
    this.#wanted.set(port, level);
    return true;
  }

  get(port: Port): string | undefined {
    return this.#wanted.get(port);
  }

  /** Puts back what a session had, where the server refused what it wanted. */
  restore(port: Port, level: string | undefined): void {
    if (this.#wanted.has(port)) this.#wanted.set(port, level);
  }

  /** The level to ask the server for; undefined: nobody has asked for any. */
  effective(): string | undefined {
    const wanted = [...this.#wanted.values()];
    if (wanted.every((level) => level === undefined)) return undefined;
    return LOG_LEVELS[
      Math.min(...wanted.map((level) => (level === undefined ? 0 : LOG_LEVELS.indexOf(level))))
    ];
  }

  /** Whether a log message of this level is for that session. */
  hears(port: Port, level: string): boolean {
    const wanted = this.#wanted.get(port);
    return (
      wanted === undefined ||
      LOG_LEVELS.indexOf(level) >= LOG_LEVELS.indexOf(wanted) ||
      !LOG_LEVELS.includes(level)
    );
  }
}
