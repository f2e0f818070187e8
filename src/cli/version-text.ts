import { readFileSync } from 'node:fs';
import { VERSION } from '../version.js';

/** The text of `--version`: the package's name and version, as its package.json has them. */
export function versionText(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const name = /"name":\s*"([^"]+)"/.exec(text)?.[1] ?? 'mcp-proxy';
  return `${name} ${VERSION}\n`;
}
