/**
 * What 2026-07-28 has loosened of tools and of what they return (SEP-2106), tightened again for a client that
 * checks by the schema of the legacy era: one tool that does not fit makes it refuse the whole list.
 */
import { elementsOf, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { decodeWire, toWire, type Wire } from '../../jsonrpc/wire.js';

/** The object with what a function makes of one member's value; the same text where that is the same. */
export function withMember(object: Wire, key: string, change: (value: Wire) => Wire): Wire {
  const members = membersOf(object);
  const changed = members.map((one) => (one.key === key ? { ...one, value: change(one.value) } : one));
  return changed.every((one, i) => one.value === members[i]?.value) ? object : objectOf(changed);
}

/** The array with what a function makes of each element; the same text where those are the same. */
export function withElements(array: Wire, change: (element: Wire) => Wire): Wire {
  const elements = elementsOf(array);
  const changed = elements.map(change);
  return changed.every((one, i) => one === elements[i]) ? array : `[${changed.join(',')}]`;
}

/**
 * A tool as a legacy client can read it: without its output schema where that describes no object, and with
 * objects in place of the schemas `true` and `false` of single properties, which say the same.
 */
export function legacyTool(tool: Wire): Wire {
  const input = withMember(tool, 'inputSchema', withObjectProperties);
  const output = memberOf(tool, 'outputSchema');
  if (output === undefined) return input;
  if (memberOf(output, 'type') === '"object"') return withMember(input, 'outputSchema', withObjectProperties);
  return objectOf(membersOf(input).filter(({ key }) => key !== 'outputSchema'));
}

function withObjectProperties(schema: Wire): Wire {
  return withMember(schema, 'properties', (properties) => {
    const members = membersOf(properties);
    if (!members.some(({ value }) => OBJECT_SCHEMAS.has(value))) return properties;
    return objectOf(members.map((one) => ({ ...one, value: OBJECT_SCHEMAS.get(one.value) ?? one.value })));
  });
}

/** The boolean schemas, and what says the same (JSON Schema 2020-12, core, section 4.3.2). */
const OBJECT_SCHEMAS: ReadonlyMap<Wire, Wire> = new Map([
  ['true', '{}'],
  ['false', '{"not":{}}'],
]);

/**
 * What a tool has returned, without structured content where that is no object. Servers say the same as text
 * beside it (SEP-2106, "Backward Compatibility"); where one does not, it is put in.
 *
 * @param result raw JSON of the result of `tools/call`, or of a `tool_result` in a question
 */
export function legacyOutput(result: Wire): Wire {
  const structured = memberOf(result, 'structuredContent');
  if (structured === undefined || structured.startsWith('{')) return result;
  const isText = (block: Wire): boolean => memberOf(block, 'type') === '"text"';
  const block = `{"type":"text","text":${toWire(decodeWire(structured))}}`;
  const members = membersOf(result).filter(({ key }) => key !== 'structuredContent');
  const content = members.find(({ key }) => key === 'content');
  if (content === undefined) return objectOf([...members, { rawKey: '"content"', value: `[${block}]` }]);
  const blocks = elementsOf(content.value);
  if (blocks.some(isText)) return objectOf(members);
  const value = `[${[...blocks, block].join(',')}]`;
  return objectOf(members.map((one) => (one === content ? { ...one, value } : one)));
}
