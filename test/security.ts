/** Cites rows of docs/security.md in a test's title. */
export function guards(...ids: readonly string[]): string {
  return `[${ids.join(' ')}]`;
}
