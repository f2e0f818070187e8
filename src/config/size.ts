/**
 * The largest size that can be set, in octets. A message is one text in memory, and JavaScript's have at most
 * 536,870,888 characters; what the proxy writes into one finds room beside this.
 */
export const MAX_SIZE = 500_000_000;

const UNITS: Readonly<Record<string, number>> = {
  '': 1,
  b: 1,
  kb: 1e3,
  mb: 1e6,
  kib: 1024,
  mib: 1024 ** 2,
};

/** Octets of a size as it is written: `1048576`, `10MB`, `64MiB`, in any case; undefined where it is none. */
export function parseSize(text: string): number | undefined {
  const [, digits = '', unit = ''] = /^(\d+(?:\.\d+)?) ?([a-z]*)$/i.exec(text.trim()) ?? [];
  const factor = Object.hasOwn(UNITS, unit.toLowerCase()) ? UNITS[unit.toLowerCase()] : undefined;
  if (digits === '' || factor === undefined) return undefined;
  const octets = Math.floor(Number(digits) * factor);
  return octets >= 1 && octets <= MAX_SIZE ? octets : undefined;
}
