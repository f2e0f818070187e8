/** What the conformance server does in the same way in both eras. */
import { setTimeout as sleep } from 'node:timers/promises';
import { PROMPTS } from './content.mjs';
import { listed, TOOLS } from './tools.mjs';

export const SERVER_INFO = { name: 'conformance', version: '1.0.0' };

/** The suite asks for pauses between messages, of about so many milliseconds. */
const PAUSE = 50;

export const wait = () => sleep(PAUSE);

export function errorOf(code, message, data) {
  return Object.assign(new Error(message), { code, data });
}

export function findTool(name) {
  const tool = TOOLS.find((one) => one.name === name);
  if (tool === undefined) throw errorOf(-32602, `Unknown tool: ${name}`);
  return tool;
}

export function findPrompt(name) {
  const prompt = PROMPTS.find((one) => one.name === name);
  if (prompt === undefined) throw errorOf(-32602, `Unknown prompt: ${name}`);
  return prompt;
}

export function listOf(method) {
  if (method === 'tools/list') return { tools: TOOLS.map(listed) };
  if (method === 'prompts/list') return { prompts: PROMPTS.map(({ get, ...prompt }) => prompt) };
  throw errorOf(-32601, `Method not found: ${method}`);
}

export function complete({ argument }) {
  const values = ['paris', 'park', 'party'].filter((word) => word.startsWith(argument.value));
  return { completion: { values, total: values.length, hasMore: false } };
}
