import { readFileSync } from 'node:fs';

/** This package's version, as its package.json has it. */
export const VERSION: string = read();

function read(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8');
  const match = /"version":\s*"([^"]+)"/.exec(text);
  return match?.[1] ?? 'unknown';
}

/** What the proxy says of itself in a handshake of its own. */
export const OWN_INFO = { name: 'mcp-proxy', version: VERSION };
