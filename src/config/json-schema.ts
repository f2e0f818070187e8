import { z } from 'zod';
import { serverSchema } from './schema.js';

/** Which members make an entry one that is served, or left out on purpose. */
const ENTRIES = [
  { required: ['command'] },
  { required: ['url'] },
  { properties: { disabled: { const: true } }, required: ['disabled'] },
  { properties: { enabled: { const: false } }, required: ['enabled'] },
];

/** The JSON schema (draft 2020-12) of the file of servers, for editors: `schema/servers.json`. */
export function jsonSchema(): object {
  const { $schema, required: _, ...entry } = z.toJSONSchema(serverSchema, { io: 'input' });
  return {
    $schema,
    title: 'Servers of mcp-proxy (--named-server-config)',
    type: 'object',
    properties: {
      $schema: { type: 'string', description: 'The schema of this file, for editors.' },
      mcpServers: {
        type: 'object',
        description: 'The servers by their names, each at /servers/NAME/.',
        additionalProperties: { ...entry, anyOf: ENTRIES },
      },
    },
    required: ['mcpServers'],
  };
}
