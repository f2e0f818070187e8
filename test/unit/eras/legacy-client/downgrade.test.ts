import { describe, expect, it } from 'vitest';
import { type SchemaRevision, schemaOf } from '../../../fixtures/schemas.js';
import { req } from '../../../requirements.js';
import { FORM, inputRequired, QUIET, read, SAMPLING, Stage, URL_QUESTION } from './stage.js';

type Version = Exclude<SchemaRevision, '2026-07-28'>;

const EVERY = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'] as const;
const BEFORE_2025_11 = EVERY.slice(0, -1);

function agreedOn(version: Version): Stage {
  return Stage.ready({ sampling: { tools: {} }, elicitation: { form: {}, url: {} } }, QUIET, version);
}

/** Raw JSON of what the client gets of a result; it is one that the revision allows. */
function resultFor(version: Version, method: string, result: string): string {
  const stage = agreedOn(version);
  stage.client.asks('1', method, { name: 'x' });
  stage.answers(stage.server.takeOne(), result);
  const answer = stage.client.takeOne();
  expect(schemaOf(version).answer('Client', method, JSON.parse(answer))).toBeUndefined();
  return answer.slice('{"jsonrpc":"2.0","id":1,"result":'.length, -1);
}

/** Raw JSON of the params of what the client is asked; it is what the revision allows. */
function askedOf(version: Version, method: string, params: string): string {
  const stage = agreedOn(version);
  stage.answers(
    stage.calls(),
    `{"resultType":"input_required","inputRequests":{"a":{"method":"${method}","params":${params}}}}`,
  );
  const question = stage.client.takeOne();
  expect(schemaOf(version).call('Server', JSON.parse(question))).toBeUndefined();
  return question.slice(question.indexOf('"params":') + '"params":'.length, -1);
}

const AUDIO =
  '{"type":"audio","data":"AA\\/A","mimeType":"audio/ogg; codecs=opus","annotations":{"priority":0.50},"x":1.0}';
const AUDIO_AS_RESOURCE =
  '{"type":"resource","resource":{"uri":"data:audio/ogg;codecs=opus;base64,","mimeType":"audio/ogg; codecs=opus","blob":"AA\\/A"},"annotations":{"priority":0.50},"x":1.0}';
const LINK =
  '{"type":"resource_link","uri":"file:///a","name":"a","title":"Ä","description":"of \\"b\\"","size":1.0}';
const LINK_AS_TEXT =
  '{"type":"text","uri":"file:///a","name":"a","title":"Ä","description":"of \\"b\\"","size":1.0,"text":"\\u00c4\\nof \\"b\\"\\nfile:///a"}';
const BARE_LINK = '{"type":"resource_link","uri":"file:///a","name":"a"}';
const BARE_LINK_AS_TEXT = '{"type":"text","uri":"file:///a","name":"a","text":"a\\nfile:///a"}';
const TEXT = '{"type":"text","text":"\\"audio\\" \\"resource_link\\""}';

/** What each becomes in the revisions that do not have it. */
const CONTENT: readonly (readonly [string, string, readonly Version[]])[] = [
  [AUDIO, AUDIO_AS_RESOURCE, ['2024-11-05']],
  [LINK, LINK_AS_TEXT, ['2024-11-05', '2025-03-26']],
  [BARE_LINK, BARE_LINK_AS_TEXT, ['2024-11-05', '2025-03-26']],
  [TEXT, '', []],
  ['{"type":"resource","resource":{"uri":"a:b","text":"x"}}', '', []],
];

const octets = (text: string): string => Buffer.from(text, 'utf8').toString('latin1');

describe.each(EVERY)('content for a client of %s', (version) => {
  it.each(CONTENT)(`${req('legacy-client.agreed')} is %s of tools and prompts`, (block, changed, without) => {
    const expected = octets(without.includes(version) ? changed : block);
    const given = octets(block);
    expect(resultFor(version, 'tools/call', `{"n":1.0,"content":[${TEXT},${given}]}`)).toBe(
      `{"n":1.0,"content":[${TEXT},${expected}]}`,
    );
    expect(
      resultFor(
        version,
        'prompts/get',
        `{"messages":[{"role":"user","content":${given},"n":1.0},{"role":"assistant","content":${TEXT}}]}`,
      ),
    ).toBe(
      `{"messages":[{"role":"user","content":${expected},"n":1.0},{"role":"assistant","content":${TEXT}}]}`,
    );
  });

  it.each([
    `{ "content": [ ${TEXT} ], "_meta": {"x":"audio","y":"resource_link"} }`,
    `{ "content": [], "structuredContent": {"type":"audio","z":["resource_link"]} }`,
  ])('is untouched where only something else has that name: %s', (result) => {
    expect(resultFor(version, 'tools/call', result)).toBe(result);
  });

  it('is none in results of other methods', () => {
    const result = `{"content":[${AUDIO}],"messages":[{"content":${BARE_LINK}}]}`;
    expect(resultFor(version, 'x/unknown', result)).toBe(result);
  });
});

const said = (content: string, role = 'user'): string => `{"role":"${role}","content":${content},"n":1.0}`;
const dialogue = (...messages: string[]): string =>
  `{"messages":[${messages.join(',')}],"maxTokens":1,"x":1.50}`;
const A = '{"type":"text","text":"a"}';
const B = '{"type":"image","data":"AAAA","mimeType":"image/png"}';

/** Dialogues, and what each becomes before 2025-11-25. */
const DIALOGUES: readonly (readonly [given: string, expected: string])[] = [
  [dialogue(said(`[${A}]`)), dialogue(said(A))],
  [
    dialogue(said(A), said(`[ ${A} , ${B} ]`, 'assistant'), said(B)),
    dialogue(said(A), said(A, 'assistant'), said(B, 'assistant'), said(B)),
  ],
  [dialogue(said('[]'), said(A)), dialogue(said(A))],
  [dialogue(said(A), said(B)), dialogue(said(A), said(B))],
  [
    `{ "messages": [ ${said(A)} ], "maxTokens": 1, "metadata": {"content":[1],"type":"tool_use"} }`,
    `{ "messages": [ ${said(A)} ], "maxTokens": 1, "metadata": {"content":[1],"type":"tool_use"} }`,
  ],
];

describe('a dialogue for a model', () => {
  it.each(BEFORE_2025_11.flatMap((version) => DIALOGUES.map((pair) => [version, ...pair] as const)))(
    `${req('legacy-client.agreed')} has for a client of %s one content in each message: %s`,
    (version, given, expected) => {
      expect(askedOf(version, 'sampling/createMessage', given)).toBe(expected);
    },
  );

  it.each(DIALOGUES)('is as it is for a client of 2025-11-25: %s', (given) => {
    expect(askedOf('2025-11-25', 'sampling/createMessage', given)).toBe(given);
  });

  it.each(EVERY.slice(1))('may have audio for a client of %s', (version) => {
    const audio = dialogue(said('{"type":"audio","data":"AAAA","mimeType":"audio/wav"}'));
    expect(askedOf(version, 'sampling/createMessage', audio)).toBe(audio);
  });
});

const form = (...properties: string[]): string =>
  `{"mode":"form","message":"m","requestedSchema":{"type":"object","properties":{${properties.join(',')}},"required":["a"]},"x":1.50}`;
const TITLED = `"a":{"type":"string","title":"T","oneOf":[{"const":"x","title":"\\u00d6"},{"const":"y","title":"Y"}],"default":"x","n":1.0}`;
const NAMED = `"a":{"type":"string","title":"T","default":"x","n":1.0,"enum":["x","y"],"enumNames":["\\u00d6","Y"]}`;

/** Forms, and what each becomes before 2025-11-25. */
const FORMS: readonly (readonly [given: string, expected: string])[] = [
  [form(TITLED), form(NAMED)],
  [form('"b":{"type":"boolean"}', TITLED), form('"b":{"type":"boolean"}', NAMED)],
  // The schemas of earlier revisions do not refuse what they do not name.
  ...[
    '"a":{ "type": "string", "enum": ["array","oneOf","url"], "default": "oneOf" }',
    '"a":{"type":"string","default":"array","format":"email"},"b":{"type":"integer","default":1}',
    '"a": {"type":"string","enum":["x"],"enumNames":["X"]} , "oneOf":{"type":"string"}',
  ].map((properties) => [form(properties), form(properties)] as const),
];

describe('a form', () => {
  it.each(BEFORE_2025_11.flatMap((version) => FORMS.map((pair) => [version, ...pair] as const)))(
    `${req('legacy-client.agreed')} is for a client of %s as 2025-06-18 has it: %s`,
    (version, given, expected) => {
      expect(askedOf(version, 'elicitation/create', given)).toBe(expected);
    },
  );

  it.each([...FORMS.map(([given]) => given), form('"a":{"type":"array","items":{"anyOf":[]}}')])(
    'is as it is for a client of 2025-11-25: %s',
    (given) => {
      expect(askedOf('2025-11-25', 'elicitation/create', given)).toBe(given);
    },
  );

  it('has its choice answered with the value, not with its title', () => {
    const stage = agreedOn('2025-06-18');
    const params = JSON.parse(form(TITLED));
    stage.answers(stage.calls(), inputRequired({ a: { method: 'elicitation/create', params } }));
    const answer = { action: 'accept', content: { a: 'y' } };
    stage.replies(stage.client.takeOne(), answer);
    expect(read(stage.server.takeOne()).params.inputResponses).toEqual({ a: answer });
  });
});

const ask = (content: object): object => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content }], maxTokens: 1 },
});
const choice = (items: object): object => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message: 'm',
    requestedSchema: { type: 'object', properties: { a: { type: 'array', items } } },
  },
});
const USED = { type: 'tool_use', id: 'u', name: 't', input: {} };
const AUDIO_SAID = { type: 'audio', data: 'AAAA', mimeType: 'audio/wav' };

/** What has no form in any of the given revisions. */
const UNASKABLE: readonly (readonly [string, object, readonly Version[]])[] = [
  ['use of tools', ask(USED), BEFORE_2025_11],
  ['use of tools', ask([{ type: 'tool_result', toolUseId: 'u', content: [] }]), BEFORE_2025_11],
  ['audio', ask(AUDIO_SAID), ['2024-11-05']],
  ['audio', ask([{ type: 'text', text: 'a' }, AUDIO_SAID]), ['2024-11-05']],
  ['choice of several values', choice({ type: 'string', enum: ['x'] }), BEFORE_2025_11],
  ['choice of several values', choice({ anyOf: [{ const: 'x', title: 'X' }] }), BEFORE_2025_11],
  ['URL to go to', URL_QUESTION, BEFORE_2025_11],
];

describe('a question that the version has no form for', () => {
  it.each(
    UNASKABLE.flatMap(([what, question, versions]) =>
      versions.map((version) => [version, what, question] as const),
    ),
  )(`${req('legacy-client.agreed')} ends its call in words: %s, %s, %o`, (version, what, question) => {
    const stage = agreedOn(version);
    const questions = inputRequired({ first: version < '2025-06-18' ? SAMPLING : FORM, b: question });
    stage.answers(stage.calls(), questions);
    const answer = read(stage.client.takeOne());
    expect(answer.result.isError).toBe(true);
    expect(answer.result.content[0].text).toMatch(
      /^server "demo" needs an answer to [a-zA-Z/]+ to go on, but /,
    );
    expect(answer.result.content[0].text).toContain(`protocol version ${version}`);
    expect(answer.result.content[0].text).toMatch(new RegExp(`no ${what}$`));
    expect(schemaOf(version).answer('Client', 'tools/call', { ...answer })).toBeUndefined();
    expect(stage.server.take()).toEqual([]);
  });

  it.each(UNASKABLE)('is asked of a client of 2025-11-25: %s, %o', (_, question) => {
    const stage = agreedOn('2025-11-25');
    stage.answers(stage.calls(), inputRequired({ a: question }));
    const asked = stage.client.takeOne();
    expect(read(asked)).toMatchObject(question);
    expect(schemaOf('2025-11-25').call('Server', JSON.parse(asked))).toBeUndefined();
  });

  it('is told as undeclared first, where it is that', () => {
    const stage = Stage.ready({ elicitation: {} }, QUIET, '2025-06-18');
    stage.answers(stage.calls(), inputRequired({ a: URL_QUESTION }));
    expect(read(stage.client.takeOne()).result.content[0].text).toMatch(/capability "elicitation.url"$/);
  });
});
