/** What servers by hand answer to a client that has to sign in. */
import type { ServerResponse } from 'node:http';

export function json(response: ServerResponse, status: number, value: object): ServerResponse {
  return response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

/**
 * The MCP server at `/mcp`, for a POST or another request without a body.
 *
 * @param isKnown whether the token of the request is good; else the answer is 401 and says where to sign in
 */
export function answerMcp(
  response: ServerResponse,
  body: string,
  isKnown: boolean,
  origin: string,
): ServerResponse {
  if (!isKnown) {
    const metadata = `${origin}/.well-known/oauth-protected-resource/mcp`;
    const challenge = `Bearer resource_metadata="${metadata}"`;
    return response.writeHead(401, { 'www-authenticate': challenge }).end();
  }
  const { id, method } = body === '' ? {} : JSON.parse(body);
  if (id === undefined) return response.writeHead(body === '' ? 405 : 202).end();
  const serverInfo = { name: 's', version: '1' };
  const begun = { protocolVersion: '2025-11-25', capabilities: {}, serverInfo };
  return json(response, 200, { jsonrpc: '2.0', id, result: method === 'initialize' ? begun : {} });
}
