/** Results of a modern server, where they hold what the schema of the legacy era refuses. */
import { elementsOf, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { answerOf, type Message } from '../../jsonrpc/message.js';
import { withAnswer } from '../../jsonrpc/rewrite.js';
import { decodeWire, toWire, type Wire } from '../../jsonrpc/wire.js';

/**
 * A result as a legacy client can read it. It goes through as it is but for what 2026-07-28 has loosened
 * (SEP-2106): the output schema of a tool, and structured content, may be of any type there. In the legacy
 * era both are objects, and a client that checks would refuse the whole list, or the whole result.
 */
export function legacyResult(method: Wire, response: Message): Message {
  const result = answerOf(response);
  if (method === 'tools/list' && result.includes('"outputSchema"')) {
    return replaced(response, result, 'tools', (tools) => {
      const elements = elementsOf(tools);
      const legacy = elements.map(withObjectSchema);
      return legacy.every((tool, i) => tool === elements[i]) ? tools : `[${legacy.join(',')}]`;
    });
  }
  if (method === 'tools/call' && result.includes('"structuredContent"')) {
    const structured = memberOf(result, 'structuredContent');
    if (structured === undefined || structured.startsWith('{')) return response;
    return withAnswer(response, asText(result, structured)) ?? response;
  }
  return response;
}

function replaced(response: Message, result: Wire, key: string, change: (value: Wire) => Wire): Message {
  const members = membersOf(result);
  const changed = members.map((one) => (one.key === key ? { ...one, value: change(one.value) } : one));
  if (changed.every((one, i) => one.value === members[i]?.value)) return response;
  return withAnswer(response, objectOf(changed)) ?? response;
}

/** The tool without its output schema, where that describes no object. */
function withObjectSchema(tool: Wire): Wire {
  const schema = memberOf(tool, 'outputSchema');
  if (schema === undefined || memberOf(schema, 'type') === '"object"') return tool;
  return objectOf(membersOf(tool).filter(({ key }) => key !== 'outputSchema'));
}

/**
 * The result without structured content. Servers say the same as text beside it (SEP-2106, "Backward
 * Compatibility"); where one does not, it is put in.
 */
function asText(result: Wire, structured: Wire): Wire {
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
