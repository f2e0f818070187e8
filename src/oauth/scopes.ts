/** Scopes are words separated by spaces (RFC 6749, section 3.3). */

export function scopeWords(scope: string | undefined): string[] {
  return scope?.split(' ').filter((word) => word !== '') ?? [];
}

/** Whether every scope of `wanted` is in `scope`. */
export function covers(scope: string | undefined, wanted: string | undefined): boolean {
  const words = new Set(scopeWords(scope));
  return scopeWords(wanted).every((word) => words.has(word));
}
