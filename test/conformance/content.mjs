/** What the conformance suite reads from a server: prompts, resources, and pieces of content for its tools. */

/** One red pixel. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC';
/** A WAV file without samples. */
const WAV = 'UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=';

export const text = (words) => ({ type: 'text', text: words });
/** A tool's result of one text. */
export const says = (words) => ({ content: [text(words)] });
export const image = { type: 'image', data: PNG, mimeType: 'image/png' };
export const audio = { type: 'audio', data: WAV, mimeType: 'audio/wav' };
export const embedded = (uri, mimeType, words) => ({
  type: 'resource',
  resource: { uri, mimeType, text: words },
});

/** A question for one text. */
export const form = (message, name, type = 'string') => ({
  method: 'elicitation/create',
  params: {
    mode: 'form',
    message,
    requestedSchema: { type: 'object', properties: { [name]: { type } }, required: [name] },
  },
});

export const sample = (prompt, maxTokens = 100) => ({
  method: 'sampling/createMessage',
  params: { messages: [{ role: 'user', content: text(prompt) }], maxTokens },
});

export const roots = { method: 'roots/list', params: {} };

const user = (content) => ({ role: 'user', content });
const argument = (name) => ({ name, description: `Value of ${name}`, required: true });

/** A prompt's `get` is written as a tool's `run` (see tools.mjs), and returns its messages. */
export const PROMPTS = [
  {
    name: 'test_simple_prompt',
    description: 'One message',
    get() {
      return [user(text('This is a simple prompt for testing.'))];
    },
  },
  {
    name: 'test_prompt_with_arguments',
    description: 'Has the values of its arguments in its message',
    arguments: [argument('arg1'), argument('arg2')],
    get({ arg1, arg2 }) {
      return [user(text(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`))];
    },
  },
  {
    name: 'test_prompt_with_embedded_resource',
    description: 'Embeds a resource',
    arguments: [argument('resourceUri')],
    get({ resourceUri }) {
      return [
        user(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        user(text('Please process the embedded resource above.')),
      ];
    },
  },
  {
    name: 'test_prompt_with_image',
    description: 'Has an image',
    get() {
      return [user(image), user(text('Please analyze the image above.'))];
    },
  },
  {
    name: 'test_input_required_result_prompt',
    description: 'Asks before it answers',
    *get() {
      const { user_context: answer } = yield {
        user_context: form('What context should the prompt use?', 'context'),
      };
      return [user(text(`Context: ${answer.content?.context}`))];
    },
  },
];

export const RESOURCES = [
  {
    uri: 'test://static-text',
    name: 'static-text',
    description: 'A text that never changes',
    mimeType: 'text/plain',
    content: { text: 'This is the content of the static text resource.' },
  },
  {
    uri: 'test://static-binary',
    name: 'static-binary',
    description: 'An image that never changes',
    mimeType: 'image/png',
    content: { blob: PNG },
  },
  {
    uri: 'test://watched-resource',
    name: 'watched-resource',
    description: 'A resource to subscribe to',
    mimeType: 'text/plain',
    content: { text: 'Watched' },
  },
];

export const TEMPLATES = [
  {
    uriTemplate: 'test://template/{id}/data',
    name: 'template',
    description: 'Has the id of its URI in its data',
    mimeType: 'application/json',
  },
];

/** The contents of a resource; undefined where there is none of that URI. */
export function read(uri) {
  const found = RESOURCES.find((resource) => resource.uri === uri);
  if (found !== undefined) return [{ uri, mimeType: found.mimeType, ...found.content }];
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri)?.[1];
  if (id === undefined) return undefined;
  const data = { id, templateTest: true, data: `Data for ID: ${id}` };
  return [{ uri, mimeType: 'application/json', text: JSON.stringify(data) }];
}
