#!/usr/bin/env node
/**
 * A stdio server for the soak, of raw JSON-RPC. Its one tool, `give`, gives its `number` back: `after` so many
 * milliseconds, with `steps` reports of progress before it; with `ask` it asks its client first, and gives back
 * what that said too; with `hold` it never answers.
 *
 * ERA=modern: it speaks 2026-07-28, else the versions up to 2025-11-25. RECEIVED names a file to which it adds
 * each number that comes, so that one that was sent twice shows, to whatever process.
 */
import { openSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const META = 'io.modelcontextprotocol/';
const MODERN = '2026-07-28';
const { ERA = 'legacy', RECEIVED = '/dev/null' } = process.env;
const received = openSync(RECEIVED, 'a');
const capabilities = { tools: { listChanged: true } };
const serverInfo = { name: 'soak', version: '1' };
const tools = [{ name: 'give', inputSchema: { type: 'object' } }];

/** What goes on when the client has answered a question, by the question's id. */
const asked = new Map();
let questions = 0;

function write(message) {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
}

function respond(id, result) {
  write({ id, result: ERA === 'modern' ? { resultType: 'complete', ...result } : result });
}

function refuse(id, code, message, data) {
  write({ id, error: { code, message, data } });
}

/** `said` is what the client answered to the question, if it was asked. */
function give(id, number, said) {
  respond(id, {
    content: [{ type: 'text', text: String(number) }],
    ...(said === undefined ? {} : { structuredContent: { said } }),
  });
}

function question(number) {
  const content = { type: 'text', text: String(number) };
  return {
    method: 'sampling/createMessage',
    params: { messages: [{ role: 'user', content }], maxTokens: 1 },
  };
}

const textOf = (answer) => answer?.content?.text;

function call({ id, params }) {
  const { number, after = 0, steps = 0, ask = false, hold = false } = params.arguments;
  // The second half of a call that asked is no second call.
  if (params.inputResponses !== undefined) {
    give(id, number, textOf(params.inputResponses.q));
    return;
  }
  writeSync(received, `${number}\n`);
  const progressToken = params._meta?.progressToken;
  if (progressToken !== undefined) {
    for (let progress = 1; progress <= steps; progress++) {
      write({
        method: 'notifications/progress',
        params: { progressToken, progress, message: String(number) },
      });
    }
  }
  if (hold) return;
  setTimeout(() => {
    if (!ask) give(id, number);
    else if (ERA === 'modern') {
      respond(id, {
        resultType: 'input_required',
        inputRequests: { q: question(number) },
        requestState: 's',
      });
    } else {
      const key = `q${++questions}`;
      asked.set(key, ({ result }) => give(id, number, textOf(result)));
      write({ id: key, ...question(number) });
    }
  }, after);
}

function listen({ id, params }) {
  const _meta = { [`${META}subscriptionId`]: id };
  write({
    method: 'notifications/subscriptions/acknowledged',
    params: { notifications: params.notifications, _meta },
  });
}

function request(message) {
  const { id, method, params = {} } = message;
  if (ERA === 'modern' && params._meta?.[`${META}protocolVersion`] !== MODERN) {
    refuse(id, -32022, 'Unsupported protocol version', {
      supported: [MODERN],
      requested: params.protocolVersion,
    });
    return;
  }
  if (method === 'tools/call') call(message);
  else if (method === 'tools/list')
    respond(id, { tools, ...(ERA === 'modern' ? { ttlMs: 60_000, cacheScope: 'public' } : {}) });
  else if (method === 'initialize' && ERA !== 'modern') {
    respond(id, { protocolVersion: params.protocolVersion, capabilities, serverInfo });
  } else if (method === 'ping') respond(id, {});
  else if (method === 'server/discover' && ERA === 'modern') {
    respond(id, { supportedVersions: [MODERN], capabilities, ttlMs: 60_000, cacheScope: 'public' });
  } else if (method === 'subscriptions/listen' && ERA === 'modern') listen(message);
  else refuse(id, -32601, `Method not found: ${method}`);
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const message = JSON.parse(line);
  if (message.method === undefined) {
    asked.get(message.id)?.(message);
    asked.delete(message.id);
  } else if (message.id !== undefined) request(message);
});
process.stdin.on('end', () => process.exit(0));
