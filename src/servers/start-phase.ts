import type { Clock } from '../relay/clock.js';

/**
 * How long the end of a process that has not answered anything counts as a failed start, in milliseconds:
 * `npx` and its like may download for so long before they find that there is no such package.
 */
export const START_PHASE_MS = 60_000;

export type StartOutcome = { readonly ok: true } | { readonly ok: false; readonly reason: string };

/** The time in which it shows how the start of a server went. */
export class StartPhase {
  /** All is well, too, where nothing was heard for `START_PHASE_MS`. */
  readonly outcome: Promise<StartOutcome>;
  #settle: (outcome: StartOutcome) => void = () => undefined;
  #disarm: () => void = () => undefined;

  constructor() {
    this.outcome = new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  begin(clock: Clock): void {
    this.#disarm = clock.after(START_PHASE_MS, () => this.#settle({ ok: true }));
  }

  /** It has shown; what is heard later changes nothing. */
  heard(outcome: StartOutcome): void {
    this.#disarm();
    this.#settle(outcome);
  }

  /** Nobody wants to know any more. */
  cancel(): void {
    this.#disarm();
  }
}
