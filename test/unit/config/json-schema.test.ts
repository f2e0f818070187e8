/** The schema that editors are given: it is the one that the file is read by. `npm run schema` writes it anew. */
import { join } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { loadServerFile } from '../../../src/config/file.js';
import { jsonSchema } from '../../../src/config/json-schema.js';
import { SERVER_KEYS } from '../../../src/config/schema.js';

const FILE = join(import.meta.dirname, '../../../schema/servers.json');
const isValid = new Ajv2020({ strict: false }).compile(jsonSchema());

const DEFAULTS = { passEnvironment: false, sharing: 'auto', era: 'auto' } as const;

/** Whether the proxy takes the file. */
async function isTaken(document: object): Promise<boolean> {
  try {
    await loadServerFile('servers.json', JSON.stringify(document), {}, DEFAULTS);
    return true;
  } catch {
    return false;
  }
}

it('schema/servers.json is what the proxy reads; else: npm run schema', async () => {
  await expect(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`).toMatchFileSnapshot(FILE);
});

it('describes every key', () => {
  const { properties } = JSON.parse(JSON.stringify(jsonSchema())).properties.mcpServers.additionalProperties;
  expect(Object.keys(properties).sort()).toEqual([...SERVER_KEYS].sort());
  for (const [key, value] of Object.entries(properties)) expect(value, key).toHaveProperty('description');
});

it('may be named at the top of a file without a warning', async () => {
  const document = { $schema: './schema/servers.json', mcpServers: { a: { command: 'a' } } };
  expect(isValid(document)).toBe(true);
  const { warnings } = await loadServerFile('servers.json', JSON.stringify(document), {}, DEFAULTS);
  expect(warnings).toEqual([]);
});

describe('takes what the proxy takes, and refuses what it refuses', () => {
  it.each([
    {
      command: 'a',
      args: ['b'],
      env: { C: 'd' },
      cwd: '/e',
      timeout: 1.5,
      maxLine: '10MB',
      sharing: 'shared',
    },
    { command: 'a', access: { keys: ['ann'] }, maxLine: 1024, upstreamEra: 'modern', unknown: true },
    { url: 'https://host.example/mcp' },
    { disabled: true },
    { enabled: false },
    {},
    { command: '' },
    { command: 1 },
    { command: 'a', args: 'b' },
    { command: 'a', env: { C: 1 } },
    { command: 'a', timeout: -1 },
    { command: 'a', startTimeout: 0 },
    { command: 'a', maxProcesses: 1.5 },
    { command: 'a', sharing: 'never' },
    { command: 'a', access: { key: ['ann'] } },
    { command: 'a', enabled: 'yes' },
  ])('%j', async (entry) => {
    const document = { mcpServers: { one: entry } };
    expect(isValid(document)).toBe(await isTaken(document));
  });
});
