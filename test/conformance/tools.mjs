/**
 * The tools that the conformance suite calls. Each is written once for both eras: `run` is a generator that
 * yields its questions (`{ key: { method, params } }`), is given the answers by their keys, and returns a result.
 * A server of the legacy era asks its client while the call is open; one of the modern era answers with the
 * questions and runs the generator again from its beginning, with the answers, on the retry. So a tool does
 * nothing before a question that must not be done twice. One that neither asks nor waits is a plain function.
 *
 * `call` is what a tool knows and can do: `log(level, text)`, `progress(n, total)`, `wait()`, `changed(list)`,
 * `closeStream()`, and `capabilities`, what the client declared. What they return, a tool yields, to wait for it.
 */
import { audio, embedded, form, image, roots, sample, text } from './content.mjs';

const says = (words) => ({ content: [text(words)] });

/** A tool that only has something to say. */
const fixed = (name, description, ...content) => ({
  name,
  description,
  run() {
    return { content };
  },
});

const described = (answer) => `action=${answer.action}, content=${JSON.stringify(answer.content ?? {})}`;

const EVERY_DEFAULT = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};

const titled = (what) =>
  ['First', 'Second', 'Third'].map((ordinal, n) => ({ const: `value${n + 1}`, title: `${ordinal} ${what}` }));
const OPTIONS = ['option1', 'option2', 'option3'];
const EVERY_ENUM = {
  untitledSingle: { type: 'string', enum: OPTIONS },
  titledSingle: { type: 'string', oneOf: titled('Option') },
  legacyEnum: {
    type: 'string',
    enum: ['opt1', 'opt2', 'opt3'],
    enumNames: ['Option One', 'Option Two', 'Option Three'],
  },
  untitledMulti: { type: 'array', items: { type: 'string', enum: OPTIONS } },
  titledMulti: { type: 'array', items: { anyOf: titled('Choice') } },
};

const asksFor = (name, message, properties) => ({
  name,
  description: 'Asks its user with a form',
  *run() {
    const requestedSchema = { type: 'object', properties, required: [] };
    const { form: answer } = yield {
      form: { method: 'elicitation/create', params: { message, requestedSchema } },
    };
    return says(`Elicitation completed: ${described(answer)}`);
  },
});

const CONTENT = [
  fixed('test_simple_text', 'A text', text('This is a simple text response for testing.')),
  fixed('test_image_content', 'An image', image),
  fixed('test_audio_content', 'A sound', audio),
  fixed(
    'test_embedded_resource',
    'A resource',
    embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ),
  fixed(
    'test_multiple_content_types',
    'A text, an image, a resource',
    text('Multiple content types test:'),
    image,
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ),
  {
    name: 'test_error_handling',
    description: 'Fails',
    run() {
      return { ...says('This tool intentionally returns an error for testing'), isError: true };
    },
  },
  {
    name: 'json_schema_2020_12_tool',
    description: 'Has a schema with what JSON Schema 2020-12 knows',
    inputSchema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      $defs: {
        address: {
          $anchor: 'addressDef',
          type: 'object',
          properties: { street: { type: 'string' }, city: { type: 'string' } },
        },
      },
      properties: {
        name: { type: 'string' },
        address: { $ref: '#/$defs/address' },
        contactMethod: { type: 'string', enum: ['phone', 'email'] },
        phone: { type: 'string' },
        email: { type: 'string' },
      },
      allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
      if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
      // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
      then: { required: ['phone'] },
      else: { required: ['email'] },
      additionalProperties: false,
    },
    run(args) {
      return says(JSON.stringify(args));
    },
  },
  {
    name: 'test_custom_header',
    description: 'Has an argument that is mirrored in a header',
    inputSchema: {
      type: 'object',
      properties: { region: { type: 'string', 'x-mcp-header': 'Region' } },
    },
    run({ region }) {
      return says(`Region: ${region}`);
    },
  },
];

const DURING = [
  {
    name: 'test_tool_with_logging',
    description: 'Logs while it runs',
    *run(_, call) {
      yield call.log('info', 'Tool execution started');
      yield call.wait();
      yield call.log('info', 'Tool processing data');
      yield call.wait();
      yield call.log('info', 'Tool execution completed');
      return says('Logged three times');
    },
  },
  {
    name: 'test_logging_tool',
    description: 'Logs once',
    *run(_, call) {
      yield call.log('info', 'Only for those who asked for it');
      return says('Logged');
    },
  },
  {
    name: 'test_tool_with_progress',
    description: 'Reports progress while it runs',
    *run(_, call) {
      for (const step of [0, 50, 100]) {
        yield call.progress(step, 100);
        if (step < 100) yield call.wait();
      }
      return says('Done');
    },
  },
  {
    name: 'test_reconnection',
    description: 'Closes the stream of its call before it answers, where there is one',
    *run(_, call) {
      yield call.wait();
      yield call.closeStream();
      yield call.wait();
      return says('Answered after the stream was closed');
    },
  },
  ...['tool', 'prompt'].map((what) => ({
    name: `test_trigger_${what}_change`,
    description: `Says that the list of ${what}s has changed`,
    *run(_, call) {
      yield call.changed(`${what}s`);
      return says('Told');
    },
  })),
];

const ASKING = [
  {
    name: 'test_sampling',
    description: 'Asks the client for a sample',
    inputSchema: { type: 'object', properties: { prompt: { type: 'string' } }, required: ['prompt'] },
    *run({ prompt }) {
      const { sample: answer } = yield { sample: sample(prompt) };
      return says(`LLM response: ${answer.content?.text}`);
    },
  },
  {
    name: 'test_elicitation',
    description: 'Asks its user for a name and an address',
    inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
    *run({ message }) {
      const properties = {
        username: { type: 'string', description: "User's response" },
        email: { type: 'string', description: "User's email address" },
      };
      const requestedSchema = { type: 'object', properties, required: ['username', 'email'] };
      const { user: answer } = yield {
        user: { method: 'elicitation/create', params: { message, requestedSchema } },
      };
      return says(`User response: ${described(answer)}`);
    },
  },
  asksFor('test_elicitation_sep1034_defaults', 'Please check these values', EVERY_DEFAULT),
  asksFor('test_elicitation_sep1330_enums', 'Please choose', EVERY_ENUM),
];

/** `signed`: its questions have a requestState with them, in the first round too. */
const REQUIRING = [
  {
    name: 'test_input_required_result_elicitation',
    description: 'Asks for a name',
    *run() {
      const { user_name: answer } = yield { user_name: form('What is your name?', 'name') };
      return says(`Hello, ${answer.content?.name}!`);
    },
  },
  {
    name: 'test_input_required_result_sampling',
    description: 'Asks for a sample',
    *run() {
      const { capital_question: answer } = yield {
        capital_question: sample('What is the capital of France?'),
      };
      return says(answer.content?.text);
    },
  },
  {
    name: 'test_input_required_result_list_roots',
    description: 'Asks for the roots',
    *run() {
      const { client_roots: answer } = yield { client_roots: roots };
      return says(answer.roots.map(({ uri }) => uri).join(', '));
    },
  },
  {
    name: 'test_input_required_result_request_state',
    description: 'Asks with a state that must come back',
    signed: true,
    *run() {
      yield { confirm: form('Please confirm', 'ok', 'boolean') };
      return says('state-ok');
    },
  },
  {
    name: 'test_input_required_result_multiple_inputs',
    description: 'Asks three things at once',
    signed: true,
    *run() {
      const answers = yield {
        user_name: form('What is your name?', 'name'),
        greeting: sample('Generate a greeting', 50),
        client_roots: roots,
      };
      return says(JSON.stringify(answers));
    },
  },
  {
    name: 'test_input_required_result_multi_round',
    description: 'Asks twice',
    signed: true,
    *run() {
      const { step1 } = yield { step1: form('Step 1: What is your name?', 'name') };
      const { step2 } = yield { step2: form('Step 2: What is your favorite color?', 'color') };
      return says(`${step1.content?.name} likes ${step2.content?.color}`);
    },
  },
  {
    name: 'test_input_required_result_tampered_state',
    description: 'Takes back only the state that it gave',
    signed: true,
    *run() {
      yield { confirm: form('Please confirm', 'ok', 'boolean') };
      return says('Confirmed');
    },
  },
  {
    name: 'test_input_required_result_capabilities',
    description: 'Asks what the client can answer',
    *run(_, { capabilities }) {
      const answers = yield {
        ...(capabilities.elicitation === undefined ? {} : { user_name: form('Who are you?', 'name') }),
        ...(capabilities.sampling === undefined ? {} : { greeting: sample('Generate a greeting') }),
        ...(capabilities.roots === undefined ? {} : { client_roots: roots }),
      };
      return says(JSON.stringify(answers));
    },
  },
  {
    name: 'test_missing_capability',
    description: 'Asks for a sample, whoever the client is',
    *run() {
      const { sample: answer } = yield { sample: sample('Say something') };
      return says(answer.content?.text);
    },
  },
  {
    name: 'test_streaming_elicitation',
    description: 'Reports progress, then asks',
    *run(_, call) {
      yield call.progress(1, 2);
      yield { confirm: form('Please confirm', 'ok', 'boolean') };
      return says('Confirmed');
    },
  },
];

export const TOOLS = [...CONTENT, ...DURING, ...ASKING, ...REQUIRING];

/** A tool as `tools/list` shows it. */
export const listed = ({ name, description, inputSchema = { type: 'object' } }) => ({
  name,
  description,
  inputSchema,
});
