/**
 * Why this cannot be the name of a server; undefined where it can. The name stands in a URL as one segment
 * of its path: `.` and `..` would be taken out of it by whoever reads the URL.
 */
export function refuseName(name: string): string | undefined {
  if (name === '') return 'the name of a server cannot be empty';
  if (name === '.' || name === '..') return `a server cannot be called "${name}": it is part of a URL`;
  if (name.includes('/')) return `the name of a server cannot have a "/" in it: "${name}"`;
  // Half of a surrogate pair cannot be percent-encoded.
  if (/\p{Surrogate}/u.test(name)) return 'the name of a server has characters that cannot stand in a URL';
  return undefined;
}
