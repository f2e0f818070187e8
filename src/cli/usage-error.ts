/** The command line makes no sense. The message is for people, begins in lower case, and holds no secrets. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export const USAGE = 'usage: mcp-proxy [options] [command_or_url] [args ...]\n';

/** A usage error as it is shown on stderr. */
export function usageText(message: string): string {
  return `${USAGE}mcp-proxy: error: ${message}\nTry mcp-proxy --help.\n`;
}
