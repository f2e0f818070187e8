/** The signals that ask the program to end, with their numbers. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;
export type EndSignal = keyof typeof SIGNALS;

/**
 * The first signal that asks the program to end. A second one ends it at once, with 128 + its number. From
 * the call on no signal ends it by itself, so it stands at the very beginning of the program.
 */
export function endSignal(): Promise<EndSignal> {
  return new Promise((resolve) => {
    let asked = false;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => {
        if (asked) process.exit(128 + SIGNALS[signal]);
        asked = true;
        resolve(signal);
      });
    }
  });
}

/** Whether it came already. */
export async function hasCome(signal: Promise<EndSignal>): Promise<boolean> {
  return (await Promise.race([signal, undefined])) !== undefined;
}
