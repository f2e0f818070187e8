/**
 * What the newest revision of the legacy era has and earlier ones refuse, in the form that those know. What the
 * proxy has agreed on with a client binds what it says to it, whatever its server speaks.
 */
import { elementsOf, memberOf, membersOf, objectOf } from '../../jsonrpc/members.js';
import { asRecord, type Message } from '../../jsonrpc/message.js';
import { withParams } from '../../jsonrpc/rewrite.js';
import { parseWire, toWire, type Wire } from '../../jsonrpc/wire.js';
import { type LEGACY_VERSIONS, NEWEST_LEGACY_VERSION } from '../../relay/handshake.js';
import { withElements, withMember } from './loosened.js';

export type LegacyVersion = (typeof LEGACY_VERSIONS)[number];

/** The types of content that a revision does not have (`server/tools`, "Tool Result"), as they stand in a text. */
const MISSING: Readonly<Record<LegacyVersion, readonly Wire[]>> = {
  '2025-11-25': [],
  '2025-06-18': [],
  '2025-03-26': ['"resource_link"'],
  '2024-11-05': ['"resource_link"', '"audio"'],
};

/**
 * What a tool or a prompt has given, in the types of content that the revision has.
 *
 * @param result raw JSON; the same text where nothing in it has to change
 */
export function downgradedResult(method: Wire, result: Wire, version: LegacyVersion): Wire {
  const missing = MISSING[version];
  // Results can be very large, and few have it.
  if (!missing.some((type) => result.includes(type))) return result;
  const known = (block: Wire): Wire => knownContent(block, missing);
  if (method === 'tools/call') {
    return withMember(result, 'content', (content) => withElements(content, known));
  }
  if (method !== 'prompts/get') return result;
  return withMember(result, 'messages', (messages) =>
    withElements(messages, (message) => withMember(message, 'content', known)),
  );
}

function knownContent(block: Wire, missing: readonly Wire[]): Wire {
  const type = memberOf(block, 'type') ?? '';
  if (!missing.includes(type)) return block;
  return type === '"audio"' ? audioAsResource(block) : linkAsText(block);
}

/** A text that a person and a model can use. The link's own members stay beside it. */
function linkAsText(link: Wire): Wire {
  const { name, title, description, uri } = asRecord(parseWire(link));
  const lines = [title ?? name, description, uri].filter((line) => typeof line === 'string' && line !== '');
  const text = { rawKey: '"text"', value: toWire(lines.join('\n')) };
  return objectOf([...membersOf(withMember(link, 'type', () => '"text"')), text]);
}

/** What may not stand in a URI, or would end its path. */
const NOT_IN_A_TYPE = /[^\w!$&+./;=-]/g;

/** Nothing but its media type is in the URI: clients show that, and the data may have many MiB. */
function audioAsResource(audio: Wire): Wire {
  const data = memberOf(audio, 'data') ?? '""';
  const mimeType = memberOf(audio, 'mimeType') ?? '""';
  const uri = toWire(`data:${String(parseWire(mimeType)).replace(NOT_IN_A_TYPE, '')};base64,`);
  const rest = membersOf(audio).filter(({ key }) => !['type', 'data', 'mimeType'].includes(key));
  return objectOf([
    { rawKey: '"type"', value: '"resource"' },
    { rawKey: '"resource"', value: `{"uri":${uri},"mimeType":${mimeType},"blob":${data}}` },
    ...rest,
  ]);
}

/** How one kind of question was said before 2025-11-25. */
interface Earlier {
  /** What a text has in it where anything may have to change. */
  readonly maybe: RegExp;
  /** What of the params the version can't say in any way, for people. */
  missing(params: Wire, version: LegacyVersion): string | undefined;
  /** The params in the earlier form. */
  known(params: Wire): Wire;
}

const EARLIER: ReadonlyMap<Wire | undefined, Earlier> = new Map([
  [
    'sampling/createMessage',
    {
      maybe: /"(?:audio|tool_use|tool_result)"|"content"\s*:\s*\[/,
      missing: missingInDialogue,
      known: singleContents,
    },
  ],
  ['elicitation/create', { maybe: /"(?:url|array|oneOf)"/, missing: missingInForm, known: namedChoices }],
]);

/**
 * A question in the form that the version has. A version without elicitation gets that of 2025-06-18: its client
 * has declared it all the same.
 *
 * @returns where there is no such form, why the client can't be asked, for people
 */
export function downgradedQuestion(question: Message, version: LegacyVersion): Message | string {
  const earlier = EARLIER.get(question.method);
  if (version === NEWEST_LEGACY_VERSION || earlier === undefined || question.paramsAt < 0) return question;
  const params = question.text.slice(question.paramsAt, question.paramsEnd);
  if (!earlier.maybe.test(params)) return question;
  const missing = earlier.missing(params, version);
  if (missing !== undefined) {
    return `the client speaks protocol version ${version}, in which such a question has no ${missing}`;
  }
  const known = earlier.known(params);
  return known === params ? question : (withParams(question, known) ?? question);
}

/** Types of content: 2025-06-18, `client/sampling`, "Data Types". */
function missingInDialogue(params: Wire, version: LegacyVersion): string | undefined {
  const messages = elementsOf(memberOf(params, 'messages') ?? '');
  const types = messages.flatMap(blocksOf).map((block) => memberOf(block, 'type'));
  if (types.some((type) => type === '"tool_use"' || type === '"tool_result"')) return 'use of tools';
  // No resource may stand in its place there.
  return version === '2024-11-05' && types.includes('"audio"') ? 'audio' : undefined;
}

function blocksOf(message: Wire): Wire[] {
  const content = memberOf(message, 'content') ?? '';
  return content.startsWith('[') ? elementsOf(content) : [content];
}

/** A message of several contents becomes several of the same role, in their order; one of none goes. */
function singleContents(params: Wire): Wire {
  return withMember(params, 'messages', (messages) => {
    const all = elementsOf(messages);
    const isSingle = (message: Wire): boolean => !memberOf(message, 'content')?.startsWith('[');
    if (all.every(isSingle)) return messages;
    const split = all.flatMap((message) =>
      isSingle(message)
        ? [message]
        : blocksOf(message).map((block) => withMember(message, 'content', () => block)),
    );
    return `[${split.join(',')}]`;
  });
}

/** Fields of a form: 2025-06-18, `client/elicitation`, "Supported Schema Types". */
function missingInForm(params: Wire): string | undefined {
  if (memberOf(params, 'mode') === '"url"') return 'URL to go to';
  const fields = membersOf(memberOf(memberOf(params, 'requestedSchema') ?? '', 'properties') ?? '');
  const isMany = fields.some(({ value }) => memberOf(value, 'type') === '"array"');
  return isMany ? 'choice of several values' : undefined;
}

/** A choice whose values have titles was written as `enum` with `enumNames` (2025-06-18, `schema.ts`, `EnumSchema`). */
function namedChoices(params: Wire): Wire {
  return withMember(params, 'requestedSchema', (schema) =>
    withMember(schema, 'properties', (properties) => {
      const members = membersOf(properties);
      const named = members.map((one) => ({ ...one, value: namedChoice(one.value) }));
      return named.every(({ value }, i) => value === members[i]?.value) ? properties : objectOf(named);
    }),
  );
}

function namedChoice(schema: Wire): Wire {
  const options = elementsOf(memberOf(schema, 'oneOf') ?? '');
  const values = options.map((option) => memberOf(option, 'const') ?? '');
  const names = options.map((option, i) => memberOf(option, 'title') ?? values[i] ?? '');
  const isText = (value: Wire): boolean => value.startsWith('"');
  if (options.length === 0 || ![...values, ...names].every(isText)) return schema;
  const rest = membersOf(schema).filter(({ key }) => !['oneOf', 'enum', 'enumNames'].includes(key));
  return objectOf([
    ...rest,
    { rawKey: '"enum"', value: `[${values.join(',')}]` },
    { rawKey: '"enumNames"', value: `[${names.join(',')}]` },
  ]);
}
