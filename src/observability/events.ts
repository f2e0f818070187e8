/** What happens inside the proxy, for whoever wants to know: the log. */
export type LogLevel = 'debug' | 'info' | 'warning' | 'error';

/** One thing to tell. `server` names the server definition it concerns. Texts hold no secrets. */
export interface ProxyEvent {
  readonly level: LogLevel;
  readonly text: string;
  readonly server?: string;
  /** The same once more for programs, by names of their own; what is undefined is left out. */
  readonly fields?: Readonly<Record<string, string | number | undefined>>;
}

/** Takes events. Never throws, never blocks. */
export type Emit = (event: ProxyEvent) => void;

/** What to tell of something thrown: its message, without the stack. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
