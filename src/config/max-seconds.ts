/** Timers of the platform hold no longer time than 2^31 - 1 milliseconds; these are the whole seconds in it. */
export const MAX_SECONDS = 2_147_483;
