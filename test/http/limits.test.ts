/** Limits that end what does not come to an end, or refuse one more, behind real sockets; the others go on. */
import { afterEach, describe, expect, it } from 'vitest';
import type { ServerDefinition } from '../../src/config/definition.js';
import { row } from '../faults/harness/fault.js';
import { fixtureDefinition, isRunning } from '../fixtures/processes.js';
import { Client, initializeBody, post, requestBody } from './harness/client.js';
import { Stream, send } from './harness/http.js';
import { META, modernHeaders } from './harness/modern.js';
import { closeAll, eventually, puppet, start, type TestProxy } from './harness/proxy.js';

afterEach(closeAll);

// biome-ignore lint/suspicious/noExplicitAny: a test reads what it expects and fails on anything else
async function server(proxy: TestProxy): Promise<any> {
  return (await proxy.status()).servers[0];
}

describe('a server that does not come to its first answer', () => {
  const SILENT = 'puppet: answers nothing';

  /** With a process that has begun to run, as its stderr shows. */
  async function silent(more: Partial<ServerDefinition> = {}): Promise<TestProxy> {
    const defaultServer = puppet({ env: { HTTP_PUPPET: 'silent' }, startTimeout: 300, ...more });
    const proxy = await start({ defaultServer });
    await eventually(async () => {
      const stderr = (await server(proxy)).processes[0]?.stderr ?? [];
      return stderr.includes(SILENT) ? true : undefined;
    });
    return proxy;
  }

  it.each([
    ['alone', 'session'],
    ['with others', 'auto'],
    ['with everybody', 'shared'],
  ] as const)(
    `${row('limit.start')} is ended, and whoever waits is told, where it is used %s`,
    async (_, sharing) => {
      const proxy = await silent({ sharing, ...(sharing === 'shared' ? { startTimeout: 3000 } : {}) });
      const [{ pid }] = (await server(proxy)).processes;
      const answers = await Promise.all([1, 2].map(() => post(`${proxy.url}/mcp`, initializeBody())));
      for (const { status, body } of answers) {
        const { id, error } = JSON.parse(body);
        expect([status, id, error.code]).toEqual([200, 'init', -32603]);
        expect(error.message).toMatch(/server "default" .*did not answer "initialize" within [\d.]+ s/);
        expect(error.message).toContain('was ended');
      }
      // The one that had time to say something; a second process may have had none.
      const told = answers.map(({ body }) => JSON.parse(body).error);
      expect(told).toContainEqual(
        expect.objectContaining({
          message: expect.stringContaining(SILENT),
          data: { server: 'default', stderr: [SILENT] },
        }),
      );
      expect(await server(proxy)).toMatchObject({
        state: 'failed',
        reason: expect.stringContaining('did not answer "initialize"'),
        processes: [],
        sessions: [],
      });
      await eventually(() => (isRunning(pid) ? undefined : true));
      expect(proxy.events).toContainEqual(
        expect.objectContaining({ level: 'error', text: expect.stringContaining('did not answer') }),
      );
      // The next request tries another one.
      const next = JSON.parse((await post(`${proxy.url}/mcp`, initializeBody())).body);
      expect(next.error.message).toContain('did not answer "initialize"');
    },
  );

  it('does not hurt one that answers', async () => {
    const good = puppet({ name: 'good' });
    const bad = puppet({ env: { HTTP_PUPPET: 'silent' }, startTimeout: 1000 });
    const proxy = await start({ defaultServer: bad, namedServers: [good] });
    const waiting = post(`${proxy.url}/mcp`, initializeBody());
    const client = await Client.open(`${proxy.url}/servers/good/mcp`);
    expect(JSON.parse((await waiting).body).error.message).toContain('within 1 s');
    expect(await client.ask('ping')).toEqual({});
    expect((await proxy.status()).server_instances).toEqual({ default: 'failed', good: 'ready' });
  });

  it.each([
    ['never', 'which is ended', 'failed'],
    ['once', 'which has answered before, and stays', 'ready'],
  ])('a modern one that answers discovery %s (%s)', async (DISCOVER, _, state) => {
    const era = DISCOVER === 'never' ? 'modern' : 'auto';
    const definition = { name: 'default', era, startTimeout: 1000 } as const;
    const proxy = await start({
      defaultServer: fixtureDefinition('modern-raw.mjs', { DISCOVER }, definition),
    });
    const { status, body } = await post(`${proxy.url}/mcp`, initializeBody());
    expect(status).toBe(200);
    expect(JSON.parse(body)).toMatchObject({
      id: 'init',
      error: {
        code: -32603,
        message: expect.stringMatching(/did not answer "?server\/discover"? within 1 s/),
      },
    });
    expect((await server(proxy)).state).toBe(state);
  });
});

describe('the time limit of a request', () => {
  const declared = { 'io.modelcontextprotocol/clientCapabilities': { roots: {} } };
  const question = { id: 'q', method: 'roots/list' };

  function call(
    url: string,
    name: string,
    args: object,
    more: object,
    meta: object,
  ): ReturnType<typeof post> {
    const params = { name, arguments: args, ...more, _meta: { ...META, ...meta } };
    return post(url, requestBody(1, 'tools/call', params), { headers: modernHeaders('tools/call', name) });
  }

  it(`${row('limit.request')} does not run out because a person thinks: a parked call goes on`, async () => {
    const definition = { name: 'default', timeout: 3000 } as const;
    const proxy = await start({ defaultServer: fixtureDefinition('legacy-raw.mjs', {}, definition) });
    const url = `${proxy.url}/mcp`;
    const asked = JSON.parse((await call(url, 'ask', { question }, {}, declared)).body);
    expect(asked.result.resultType).toBe('input_required');
    // Another call has begun later, and has run out of its time.
    const late = JSON.parse((await call(url, 'never', {}, {}, {})).body);
    expect(late.error.message).toContain('did not answer tools/call within 3 s');
    const { requestState } = asked.result;
    const inputResponses = { q1: { roots: [] } };
    const answer = JSON.parse(
      (await call(url, 'ask', { question }, { requestState, inputResponses }, declared)).body,
    );
    expect(answer.result).toMatchObject({ resultType: 'complete' });
  });

  it('of the file goes before that of the command line', async () => {
    const proxy = await start({
      defaultServer: puppet({ timeout: 1500 }),
      namedServers: [puppet({ name: 'patient', timeout: 0 })],
      limits: { timeout: 100_000 },
    });
    const client = await Client.open(`${proxy.url}/mcp`);
    const { body } = await client.post(requestBody(1, 'x/hold', { key: 'never' }));
    expect(JSON.parse(body).error.message).toContain('within 1.5 s');
    const seen = await client.ask('x/seen', { method: 'notifications/cancelled', count: 1 });
    expect(seen.messages).toHaveLength(1);
    const [, patient] = (await proxy.status()).servers;
    expect([(await server(proxy)).definition.timeout, patient.definition.timeout]).toEqual([1.5, null]);
  });
});

describe('requests in flight', () => {
  it(`${row('limit.in-flight')} one more than may be is refused as an answer, and nothing else suffers`, async () => {
    const { url, status } = await start({ limits: { maxInFlight: 2 } });
    const [client, other] = [await Client.open(`${url}/mcp`), await Client.open(`${url}/mcp`)];
    const held = ['a', 'b'].map((key) => client.post(requestBody(key, 'x/hold', { key })));
    await other.ask('x/seen', { method: 'x/hold', count: 2 });
    const refused = await client.post(requestBody('c', 'ping'));
    expect(refused.status).toBe(200);
    expect(JSON.parse(refused.body)).toEqual({
      jsonrpc: '2.0',
      id: 'c',
      error: {
        code: -32603,
        message: expect.stringContaining('2 requests open at server "default"'),
        data: { server: 'default', limit: 2 },
      },
    });
    expect(await other.ask('ping')).toEqual({});
    // What its client gives up is open no longer; nor is what is answered.
    await client.notify('notifications/cancelled', { requestId: 'a' });
    expect(await client.ask('x/release', { key: 'b' })).toEqual({});
    await Promise.all(held);
    expect(await client.ask('ping')).toEqual({});
    expect((await status()).servers[0].sessions).toHaveLength(2);
  });

  it('over HTTP+SSE the same', async () => {
    const { url } = await start({ limits: { maxInFlight: 1 } });
    const stream = new Stream(await send(`${url}/sse`, {}));
    const endpoint = await stream.next();
    if (endpoint.kind !== 'event') throw new Error('no endpoint');
    await post(url + endpoint.data, initializeBody());
    await stream.message(1);
    await post(url + endpoint.data, requestBody('a', 'x/hold', { key: 'a' }));
    expect((await post(url + endpoint.data, requestBody('b', 'ping'))).status).toBe(202);
    expect(await stream.message(2)).toMatchObject({ id: 'b', error: { code: -32603 } });
    stream.break();
  });

  it('without sessions it is what comes in one POST', async () => {
    const { url } = await start({ stateless: true, limits: { maxInFlight: 2 } });
    const batch = JSON.stringify([1, 2, 3].map((id) => ({ jsonrpc: '2.0', id, method: 'ping' })));
    const answers = JSON.parse((await post(`${url}/mcp`, batch)).body);
    const refused = answers.filter((one: { error?: object }) => one.error !== undefined);
    expect(refused).toMatchObject([{ id: 3, error: { code: -32603 } }]);
    expect(answers).toHaveLength(3);
  });
});

describe('the line of a server', () => {
  it(`${row('limit.line')} that is longer than may be fails its request, in words; shorter ones pass`, async () => {
    const { url } = await start({ defaultServer: puppet({ maxLine: 10_000 }) });
    const client = await Client.open(`${url}/mcp`);
    const { body } = await client.post(requestBody(1, 'x/big', { octets: 10_000 }));
    expect(JSON.parse(body).error.message).toContain('a line of more than 10000 octets');
    expect((await client.ask('x/big', { octets: 9000 })).text).toHaveLength(9000);
  });
});

describe('the end', () => {
  it('waits for what is under way as long as it is told', async () => {
    const proxy = await start({ limits: { stopMs: 0 } });
    const client = await Client.open(`${proxy.url}/mcp`);
    const held = client.post(requestBody('a', 'x/hold', { key: 'never' }));
    await client.ask('x/seen', { method: 'x/hold', count: 1 });
    await proxy.close();
    expect(JSON.parse((await held).body).error.message).toContain('stopping');
  });
});
