/** The types of `came-back.mjs` for its test. */
export function notBack(
  start: Readonly<Record<string, number>>,
  after: Readonly<Record<string, number>>,
): string[];
