/** The tools of the conformance suite that ask the client; how they are written is said in tools.mjs. */
import { form, roots, sample, says } from './content.mjs';

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

export const ASKING = [
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
export const REQUIRING = [
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
