/** The files of an example, and a client as its configuration starts one. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { ROOT } from '../../packaging/harness/dockerfile.js';

export function pathOf(example: string, file: string): string {
  return join(ROOT, 'examples', example, file);
}

export function textOf(example: string, file: string): string {
  return readFileSync(pathOf(example, file), 'utf8');
}

export interface Entry {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** What a desktop client has of one server in its file. */
export function entryOf(example: string, name: string): Entry {
  return JSON.parse(textOf(example, 'claude_desktop_config.json')).mcpServers[name];
}

/** What a desktop client does with an entry: starts its command, and shakes hands. */
export async function startClient({ command, args, env }: Entry, cwd: string): Promise<Client> {
  const client = new Client({ name: 'desktop', version: '1.0.0' });
  await client.connect(
    new StdioClientTransport({ command, args: [...args], cwd, ...(env && { env: { ...env } }) }),
  );
  return client;
}
