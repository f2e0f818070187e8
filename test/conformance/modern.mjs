/** The conformance server in the modern era, on the official SDK's version 2. */
import { randomBytes } from 'node:crypto';
import { createRequestStateCodec, inputRequired, McpServer } from '@modelcontextprotocol/server';
import { RESOURCES, read, TEMPLATES } from './content.mjs';
import { complete, errorOf, findPrompt, findTool, listOf, SERVER_INFO, wait } from './shared.mjs';
import { listed, TOOLS } from './tools.mjs';

const META = 'io.modelcontextprotocol/';

/** What a tool was answered in the earlier rounds of a call; nobody else can write such a state. */
const states = createRequestStateCodec({ key: randomBytes(32), bind: ({ mcpReq }) => mcpReq.method });

/** The tools are in a table and not registered; the SDK looks here for the headers that mirror arguments. */
class TableServer extends McpServer {
  toolInputSchemaJson(name) {
    const tool = TOOLS.find((one) => one.name === name);
    return tool === undefined ? undefined : listed(tool).inputSchema;
  }
}

/** `publish` tells that a list has changed, where a server lives only for one request; else it tells itself. */
export function modernServer(publish) {
  const mcp = new TableServer(SERVER_INFO, {
    capabilities: {
      completions: {},
      logging: {},
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      tools: { listChanged: true },
    },
    requestState: { verify: states.verify },
  });
  const { server } = mcp;
  const changed =
    publish ?? ((list) => (list === 'tools' ? server.sendToolListChanged() : server.sendPromptListChanged()));

  for (const method of ['tools/list', 'prompts/list']) server.setRequestHandler(method, () => listOf(method));
  server.setRequestHandler('completion/complete', ({ params }) => complete(params));
  server.setRequestHandler('resources/list', () => ({
    resources: RESOURCES.map(({ content, ...resource }) => resource),
  }));
  server.setRequestHandler('resources/templates/list', () => ({ resourceTemplates: TEMPLATES }));
  server.setRequestHandler('resources/read', ({ params: { uri } }) => {
    const contents = read(uri);
    if (contents === undefined) throw errorOf(-32602, 'Resource not found', { uri });
    return { contents };
  });
  server.setRequestHandler('tools/call', ({ params }, ctx) => {
    const tool = findTool(params.name);
    return drive(tool.run(params.arguments ?? {}, callOf(ctx, changed)), ctx, tool.signed);
  });
  server.setRequestHandler('prompts/get', async ({ params }, ctx) => {
    const answer = await drive(
      findPrompt(params.name).get(params.arguments ?? {}, callOf(ctx, changed)),
      ctx,
    );
    return Array.isArray(answer) ? { messages: answer } : answer;
  });
  return mcp;
}

function callOf({ mcpReq }, changed) {
  const progressToken = mcpReq._meta?.progressToken;
  return {
    wait,
    capabilities: mcpReq.envelope?.[`${META}clientCapabilities`] ?? {},
    log: (level, data) => mcpReq.log(level, data),
    progress: async (progress, total) => {
      if (progressToken === undefined) return;
      await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress, total } });
    },
    changed: async (list) => changed(list),
    closeStream: async () => undefined,
  };
}

/**
 * Runs a tool with all that was answered so far: to its end, or to the first questions that are not answered,
 * which are the result then.
 */
async function drive(steps, ctx, signed = false) {
  if (!('next' in steps)) return steps;
  const earlier = ctx.mcpReq.requestState()?.answers ?? [];
  const given = ctx.mcpReq.inputResponses ?? {};
  let round = 0;
  let step = steps.next();
  while (!step.done) {
    const asked = (await step.value) ?? {};
    if (Object.keys(asked).length === 0) {
      step = steps.next({});
      continue;
    }
    const answers = earlier[round] ?? (round === earlier.length ? given : {});
    if (!Object.entries(asked).every(([key, { method }]) => fits(method, answers[key]))) {
      const known = [...earlier];
      const requestState = signed || round > 0 ? await states.mint({ answers: known }, ctx) : undefined;
      return inputRequired({ inputRequests: asked, ...(requestState === undefined ? {} : { requestState }) });
    }
    if (round === earlier.length) earlier.push(answers);
    round += 1;
    step = steps.next(answers);
  }
  return step.value;
}

/** Whether that can be an answer to the question. */
function fits(method, answer) {
  if (typeof answer !== 'object' || answer === null) return false;
  if (method === 'roots/list') return Array.isArray(answer.roots);
  if (method === 'sampling/createMessage') return typeof answer.content === 'object';
  return answer.action !== 'accept' ? typeof answer.action === 'string' : typeof answer.content === 'object';
}
