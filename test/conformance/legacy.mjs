/** The conformance server in the legacy era, on the official SDK's version 1. */
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ResultSchema, SetLevelRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { RESOURCES, read, TEMPLATES } from './content.mjs';
import { complete, errorOf, findPrompt, findTool, listOf, SERVER_INFO, wait } from './shared.mjs';

const LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

export function legacyServer() {
  const server = new Server(SERVER_INFO, {
    capabilities: {
      completions: {},
      logging: {},
      prompts: { listChanged: true },
      resources: { subscribe: true, listChanged: true },
      tools: { listChanged: true },
    },
  });
  let level = 'debug';
  server.setRequestHandler(SetLevelRequestSchema, ({ params }) => {
    level = params.level;
    return {};
  });
  server.fallbackRequestHandler = async ({ method, params = {} }, extra) => {
    const call = callOf(extra);
    switch (method) {
      case 'tools/call':
        return drive(findTool(params.name).run(params.arguments ?? {}, call), extra);
      case 'prompts/get':
        return {
          messages: await drive(findPrompt(params.name).get(params.arguments ?? {}, call), extra),
        };
      case 'resources/list':
        return { resources: RESOURCES.map(({ content, ...resource }) => resource) };
      case 'resources/templates/list':
        return { resourceTemplates: TEMPLATES };
      case 'resources/read': {
        const contents = read(params.uri);
        if (contents === undefined) throw errorOf(-32002, 'Resource not found', { uri: params.uri });
        return { contents };
      }
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return {};
      case 'completion/complete':
        return complete(params);
      default:
        return listOf(method);
    }
  };

  function callOf(extra) {
    const { progressToken } = extra._meta ?? {};
    return {
      wait,
      capabilities: server.getClientCapabilities() ?? {},
      log: async (wanted, data) => {
        if (LEVELS.indexOf(wanted) < LEVELS.indexOf(level)) return;
        await extra.sendNotification({ method: 'notifications/message', params: { level: wanted, data } });
      },
      progress: async (progress, total) => {
        if (progressToken === undefined) return;
        await extra.sendNotification({
          method: 'notifications/progress',
          params: { progressToken, progress, total },
        });
      },
      changed: (list) => server.notification({ method: `notifications/${list}/list_changed` }),
      closeStream: async () => extra.closeSSEStream?.(),
    };
  }

  return server;
}

/** Runs a tool to its end; what it asks is asked all at once, while the call is open. */
async function drive(steps, extra) {
  if (!('next' in steps)) return steps;
  let step = steps.next();
  while (!step.done) {
    const asked = await step.value;
    const answers = Object.entries(asked ?? {}).map(async ([key, question]) => [
      key,
      await extra.sendRequest(question, ResultSchema),
    ]);
    step = steps.next(Object.fromEntries(await Promise.all(answers)));
  }
  return step.value;
}
