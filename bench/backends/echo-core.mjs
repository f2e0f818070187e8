export const TOOLS = [
  {
    name: 'echo',
    description: 'Echo',
    inputSchema: { type: 'object', properties: { message: { type: 'string' } }, required: ['message'] },
  },
];
export function handle(m) {
  const { id, method } = m;
  if (id === undefined || method === undefined) return null; // notification or response
  switch (method) {
    case 'initialize':
      return {
        jsonrpc: '2.0',
        id,
        result: {
          protocolVersion: m.params?.protocolVersion ?? '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'echo', version: '1.0.0' },
        },
      };
    case 'ping':
      return { jsonrpc: '2.0', id, result: {} };
    case 'tools/list':
      return { jsonrpc: '2.0', id, result: { tools: TOOLS } };
    case 'tools/call':
      return {
        jsonrpc: '2.0',
        id,
        result: { content: [{ type: 'text', text: m.params?.arguments?.message ?? '' }] },
      };
    default:
      return { jsonrpc: '2.0', id, error: { code: -32601, message: `Method not found: ${method}` } };
  }
}

/** The same in 2026-07-28. */
export function modern(m) {
  if (m.method === 'initialize') return handle({ ...m, method: 'no such method' });
  if (m.method !== 'server/discover') {
    const answer = handle(m);
    if (answer?.result) answer.result.resultType = 'complete';
    if (m.method === 'tools/list') Object.assign(answer.result, { ttlMs: 60_000, cacheScope: 'public' });
    return answer;
  }
  const result = {
    resultType: 'complete',
    supportedVersions: ['2026-07-28'],
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1.0.0' },
    ttlMs: 60_000,
    cacheScope: 'public',
  };
  return { jsonrpc: '2.0', id: m.id, result };
}
