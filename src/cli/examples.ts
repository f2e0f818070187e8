/** Command lines as people type them in a shell, the most used first; `--help` shows them, and a test runs each. */
export const EXAMPLES: readonly string[] = [
  'mcp-proxy --port 8080 npx -y @modelcontextprotocol/server-everything',
  'mcp-proxy https://host/mcp',
  'mcp-proxy check npx -y @modelcontextprotocol/server-everything',
  'mcp-proxy --port 8080 -- my-server --port 9000',
  'mcp-proxy --port 8080 --env API_KEY secret --cwd /srv my-server',
  "mcp-proxy --port 8080 --named-server files 'npx -y @modelcontextprotocol/server-filesystem /srv'",
  'mcp-proxy --port 8080 --named-server-config servers.json',
  'mcp-proxy --host 0.0.0.0 --port 8080 --api-key-file keys my-server',
  'mcp-proxy --port 8080 --allow-origin https://app.example -- my-server',
  "mcp-proxy --headers Authorization 'Bearer TOKEN' https://host/sse",
  'mcp-proxy check --json --named-server-config servers.json',
  'mcp-proxy logout https://host/mcp',
];
