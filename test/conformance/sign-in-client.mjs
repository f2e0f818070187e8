/**
 * The client that the conformance suite tests: an SDK client on stdio of `mcp-proxy URL`, which signs in with a browser
 * without a screen. MCP_CONFORMANCE_CONTEXT says what the person has been given; ends with 1 where a call fails.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const HERE = import.meta.dirname;
const PROXY = process.env.MCP_PROXY_BIN ?? join(HERE, '../../bin/mcp-proxy.cjs');
const url = process.argv.at(-1) ?? '';
const scenario = process.env.MCP_CONFORMANCE_SCENARIO ?? '';
const context = JSON.parse(process.env.MCP_CONFORMANCE_CONTEXT ?? '{}');
const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-sign-in-'));

/** Where tokens are given out, as a person who has client credentials is told it. */
async function tokenUrl() {
  const metadata = await (await fetch(new URL('/.well-known/oauth-protected-resource/mcp', url))).json();
  const [issuer] = metadata.authorization_servers;
  const authority = await (await fetch(new URL('/.well-known/oauth-authorization-server', issuer))).json();
  return authority.token_endpoint;
}

function file(name, text) {
  const path = join(directory, name);
  writeFileSync(path, text);
  return path;
}

async function options() {
  const given = [];
  if (context.client_id !== undefined) given.push('--client-id', context.client_id);
  if (context.client_secret !== undefined) given.push('--client-secret', context.client_secret);
  if (scenario === 'auth/client-credentials-basic') given.push('--token-url', await tokenUrl());
  if (scenario === 'auth/client-credentials-jwt') {
    given.push('--client-key-file', file('key.pem', context.private_key_pem));
  }
  if (context.valid_jwt !== undefined) given.push('--assertion-file', file('jwt', context.valid_jwt));
  if (context.idp_id_token !== undefined) {
    given.push('--id-token-file', file('id-token', context.idp_id_token));
    given.push('--idp-token-url', context.idp_token_endpoint, '--idp-client-id', context.idp_client_id);
  }
  if (scenario === 'auth/basic-cimd') {
    given.push('--client-metadata-url', 'https://conformance-test.local/client-metadata.json');
  }
  return given;
}

const client = new Client({ name: 'conformance', version: '1' }, { capabilities: {} });
try {
  await client.connect(
    new StdioClientTransport({
      command: process.execPath,
      args: [PROXY, '--sign-in-timeout', '20', ...(await options()), url],
      env: {
        ...process.env,
        BROWSER: join(HERE, '../fixtures/browser.mjs'),
        MCP_PROXY_CREDENTIALS_FILE: join(directory, 'credentials.json'),
        API_ACCESS_TOKEN: '',
      },
      stderr: 'inherit',
    }),
  );
  const { tools } = await client.listTools();
  for (const { name } of tools.slice(0, 1)) await client.callTool({ name, arguments: {} });
  await client.listTools();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
} finally {
  await client.close();
  rmSync(directory, { recursive: true, force: true });
}
