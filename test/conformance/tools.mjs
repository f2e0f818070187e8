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
import { ASKING, REQUIRING } from './asking.mjs';
import { audio, embedded, image, says, text } from './content.mjs';

/** A tool that only has something to say. */
const fixed = (name, description, ...content) => ({
  name,
  description,
  run() {
    return { content };
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

export const TOOLS = [...CONTENT, ...DURING, ...ASKING, ...REQUIRING];

/** A tool as `tools/list` shows it. */
export const listed = ({ name, description, inputSchema = { type: 'object' } }) => ({
  name,
  description,
  inputSchema,
});
