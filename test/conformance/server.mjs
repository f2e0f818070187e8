#!/usr/bin/env node
/**
 * The server that the conformance suite is run against, on stdio: `server.mjs legacy|modern`. A process is
 * started for many a scenario: it loads only what it needs.
 */
if (process.argv[2] === 'modern') {
  const { serveStdio } = await import('@modelcontextprotocol/server/stdio');
  const { modernServer } = await import('./modern.mjs');
  serveStdio(() => modernServer(), { legacy: 'reject' });
} else {
  const { StdioServerTransport } = await import('@modelcontextprotocol/sdk/server/stdio.js');
  const { legacyServer } = await import('./legacy.mjs');
  await legacyServer().connect(new StdioServerTransport());
  process.stdin.on('end', () => process.exit(0));
}
