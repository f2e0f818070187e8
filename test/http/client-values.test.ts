// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested here.
/** What a server's process learns of its caller, and that it is nobody else's. */
import { afterEach, describe, expect, it } from 'vitest';
import { loadServerFile } from '../../src/config/file.js';
import { req } from '../requirements.js';
import { guards } from '../security.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { exchange, Stream, send } from './harness/http.js';
import { META, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

const KEYS = { ann: 'ann-0123456789abcdef', bob: 'bob-0123456789abcdef' };
const CANARY = 'canary-0123456789';

afterEach(closeAll);

/** The puppet as `own`, with these keys of the file beside its own. */
async function startOwn(
  more: { readonly args?: readonly string[]; readonly env?: Record<string, string> } & Record<
    string,
    unknown
  >,
  options: Parameters<typeof start>[0] = {},
  headers: Record<string, string> = {},
): Promise<TestProxy> {
  const { command, args } = puppet();
  const own = { command, ...more, args: [...args, ...(more.args ?? [])] };
  const defaults = { passEnvironment: false, sharing: 'auto', era: 'auto' } as const;
  const { servers } = await loadServerFile('f', JSON.stringify({ mcpServers: { own } }), {}, defaults);
  return start({ namedServers: servers, ...options }, headers);
}

const TOKEN = {
  env: { TOKEN: 'is ${header:X-Api-Token}' },
  args: ['--tenant=${header:x-tenant}', 'as it is'],
};

function tenant(name: string, token = `token of ${name}`): Record<string, string> {
  return { 'x-api-token': token, 'x-tenant': name };
}

describe('values of a request', () => {
  it(`${guards('values.own')} come into environment and arguments as they are, and make the process that client's own`, async () => {
    const proxy = await startOwn(TOKEN);
    const url = `${proxy.url}/servers/own/mcp`;
    const strange = `$(id) "'; %PATH% \${HOME} && x`;
    const ann = await Client.open(url, { headers: tenant('ann', strange) });
    expect(await ann.ask('x/env', { name: 'TOKEN' })).toEqual({ value: `is ${strange}` });
    const { pid, argv } = await ann.ask('x/pid');
    expect(argv).toEqual(['--tenant=ann', 'as it is']);
    const again = await Client.open(url, { headers: tenant('ann', strange) });
    expect((await again.ask('x/pid')).pid).toBe(pid);
    const bob = await Client.open(url, { headers: tenant('ann') });
    expect((await bob.ask('x/pid')).pid).not.toBe(pid);
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'x/pid', params: { _meta: META } });
    const modern = await post(url, body, { headers: { ...modernHeaders('x/pid'), ...tenant('carl') } });
    expect(JSON.parse(modern.body).result.argv).toEqual(['--tenant=carl', 'as it is']);
  });

  it(`${guards('values.own')} a session is there only for who comes with the same`, async () => {
    const proxy = await startOwn(TOKEN);
    const url = `${proxy.url}/servers/own/mcp`;
    const ann = await Client.open(url, { headers: tenant('ann') });
    const thief = new Client(url, ann.version, ann.session, tenant('bob'));
    expect((await thief.post(requestBody(1, 'x/env', { name: 'TOKEN' }))).status).toBe(404);
    const stream = new Stream(await send(`${proxy.url}/servers/own/sse`, { headers: tenant('ann') }));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    const to = proxy.url + endpoint.data;
    expect((await post(to, initializeBody(), { headers: tenant('bob') })).status).toBe(404);
    expect((await post(to, initializeBody(), { headers: tenant('ann') })).status).toBe(202);
    stream.break();
  });

  it(`${guards('values.bounded')} that are missing, too long or no text are refused, and nothing is started`, async () => {
    const proxy = await startOwn({ args: ['${header:x-tenant}'] });
    const url = `${proxy.url}/servers/own/mcp`;
    const tried = async (headers: Record<string, string>): Promise<[number, string]> => {
      const { status, body } = await post(url, initializeBody(), { headers });
      return [status, JSON.parse(body).error?.message];
    };
    expect(await tried({})).toEqual([400, expect.stringContaining('x-tenant is missing')]);
    expect(await tried({ 'x-tenant': '' })).toEqual([400, expect.stringContaining('x-tenant is missing')]);
    expect(await tried({ 'x-tenant': 'x'.repeat(8193) })).toEqual([400, expect.stringContaining('8192')]);
    expect(await tried({ 'x-tenant': 'a\tb' })).toEqual([400, expect.stringContaining('characters')]);
    expect(await tried({ 'x-tenant': '\x85' })).toEqual([400, expect.stringContaining('characters')]);
    expect(await tried({ 'x-tenant': '--option' })).toEqual([400, expect.stringContaining('dash')]);
    const { servers } = await proxy.status();
    expect(servers.flatMap(({ processes }: { processes: object[] }) => processes)).toHaveLength(1); // the default's
    expect((await tried({ 'x-tenant': 'x'.repeat(8192) }))[0]).toBe(200);
  });

  it(`${guards('values.bounded')} there is place for so many clients as for processes, and again once one is not used`, async () => {
    const proxy = await startOwn({ ...TOKEN, maxProcesses: 1, processIdle: 0.05 });
    const url = `${proxy.url}/servers/own/mcp`;
    const ann = await Client.open(url, { headers: tenant('ann') });
    const refused = await post(url, initializeBody(), { headers: tenant('bob') });
    expect(refused).toMatchObject({ status: 503, headers: { 'retry-after': expect.any(String) } });
    await ann.delete();
    await eventually(async () => {
      const { status } = await post(url, initializeBody(), { headers: tenant('bob') });
      return status === 200 ? true : undefined;
    });
  });

  it(`${guards('values.masked')} are shown nowhere`, async () => {
    const proxy = await startOwn(TOKEN);
    const url = `${proxy.url}/servers/own/mcp`;
    const client = await Client.open(url, { headers: tenant(`tenant-${CANARY}`, `token-${CANARY}`) });
    const gone = await client.post(requestBody(1, 'x/exit', { code: 3, stderr: `I had token-${CANARY}` }));
    expect(gone.body).toContain('I had ***');
    expect(await client.ask('ping')).toEqual({});
    const texts = [gone.body, JSON.stringify(await proxy.status()), JSON.stringify(proxy.events)];
    for (const text of texts) expect(text).not.toContain(CANARY);
    expect(texts[1]).toContain('***');
  });

  it('may be sent by pages that may use the proxy', async () => {
    const proxy = await startOwn(TOKEN, { allowOrigins: ['https://app.example'] });
    const headers = {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'x-tenant,X-Api-Token,x-other',
    };
    const answer = await exchange(`${proxy.url}/servers/own/mcp`, { method: 'OPTIONS', headers });
    expect(answer.headers['access-control-allow-headers']).toBe('x-tenant, X-Api-Token');
  });
});

it(`${guards('values.principal')} ${req('auth.server.no-transit')} a server is told who asks, by a name that nobody can give himself`, async () => {
  const auth = { apiKeys: `ann:${KEYS.ann}\nbob:${KEYS.bob}` };
  const who = { env: { WHO: '${principal}' } };
  await expect(startOwn(who)).rejects.toThrow(/"own": it takes \$\{principal\}, but nobody is asked/);
  for (const header of ['Authorization', 'X-API-Key']) {
    const taken = startOwn({ env: { TOKEN: `\${header:${header}}` } }, { auth });
    await expect(taken).rejects.toThrow(/this header is for the proxy itself/);
  }
  const proxy = await startOwn(who, { auth }, { 'x-api-key': KEYS.ann });
  const url = `${proxy.url}/servers/own/mcp`;
  for (const name of ['ann', 'bob'] as const) {
    const client = await Client.open(url, { headers: { 'x-api-key': KEYS[name], principal: 'key:root' } });
    expect(await client.ask('x/env', { name: 'WHO' })).toEqual({ value: `key:${name}` });
  }
});
