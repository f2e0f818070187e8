import { VERSION } from '../version.js';

/** The text of `--version`. */
export function versionText(): string {
  return `mcp-proxy ${VERSION}\n`;
}
