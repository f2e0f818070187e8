import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import {
  CAPABILITIES_KEY,
  DISCOVERED,
  INFO_KEY,
  QUIET,
  read,
  SERVER_KEY,
  Stage,
  VERSION_KEY,
} from './stage.js';

/** What the client gets for its `initialize`. */
function initialized(discovered: unknown, version = '2025-11-25'): ReturnType<typeof read> {
  const stage = new Stage();
  stage.client.initializes(version);
  stage.answers(stage.server.takeOne(), discovered);
  return read(stage.client.takeOne());
}

describe('initialize', () => {
  it(`${req('legacy-client.initialize')} is answered from server/discover`, () => {
    const stage = new Stage();
    stage.client.initializes('2025-06-18', { sampling: {} });
    const discover = read(stage.server.takeOne());
    expect(discover.method).toBe('server/discover');
    expect(discover.params).toEqual({
      _meta: {
        [VERSION_KEY]: '2026-07-28',
        [INFO_KEY]: { name: 'test', version: '1' },
        [CAPABILITIES_KEY]: { sampling: {} },
      },
    });
    stage.answers(JSON.stringify({ jsonrpc: '2.0', ...discover }), DISCOVERED);
    expect(read(stage.client.takeOne())).toEqual({
      jsonrpc: '2.0',
      id: 0,
      result: {
        protocolVersion: '2025-06-18',
        capabilities: DISCOVERED.capabilities,
        serverInfo: { name: 'server', version: '3' },
        instructions: 'be kind',
      },
    });
  });

  it.each([
    ['2024-11-05', '2024-11-05'],
    ['2025-03-26', '2025-03-26'],
    ['2025-11-25', '2025-11-25'],
    ['2026-07-28', '2025-11-25'],
    ['1999-01-01', '2025-11-25'],
  ])('of a client that asks for %s agrees on %s', (asked, agreed) => {
    expect(initialized(DISCOVERED, asked).result.protocolVersion).toBe(agreed);
  });

  it('keeps the digits and the spelling of what it passes on', () => {
    const stage = new Stage();
    stage.client.initializes();
    const raw =
      '{"resultType":"complete","supportedVersions":["2026-07-28"],"x":12345678901234567890,' +
      '"capabilities":{"experimental":{"a":{"n":1.50}}},"instructions":"\\u00e9\\/",' +
      `"_meta":{"${SERVER_KEY}":{"name":"s","version":"1","n":1e2},"a/b":1.0}}`;
    stage.answers(stage.server.takeOne(), raw);
    const text = stage.client.takeOne();
    for (const part of ['12345678901234567890', '{"a":{"n":1.50}}', '"\\u00e9\\/"', '"n":1e2', '"a/b":1.0']) {
      expect(text).toContain(part);
    }
    expect(text).not.toContain('resultType');
  });

  it.each([
    ['no serverInfo', { ...QUIET, _meta: {} }, { name: 'demo', version: 'unknown' }],
    ['no _meta', { ...QUIET, _meta: undefined }, { name: 'demo', version: 'unknown' }],
    [
      'serverInfo at the place of drafts',
      { ...QUIET, _meta: {}, serverInfo: { name: 'd', version: '0' } },
      { name: 'd', version: '0' },
    ],
  ])('names the server where the result has %s', (_, discovered, expected) => {
    expect(initialized(discovered).result.serverInfo).toEqual(expected);
  });

  it.each([
    [{ tools: {}, extensions: { 'io.modelcontextprotocol/tasks': {} } }, { tools: {} }],
    [
      { extensions: { 'io.modelcontextprotocol/tasks': {}, 'io.modelcontextprotocol/ui': { a: 1 } } },
      { extensions: { 'io.modelcontextprotocol/ui': { a: 1 } } },
    ],
    [{ tasks: { list: {} }, prompts: {} }, { prompts: {} }],
    [7, {}],
  ])(`${req('legacy-client.tasks')} tells the client of %j as %j`, (capabilities, expected) => {
    expect(initialized({ ...QUIET, capabilities }).result.capabilities).toEqual(expected);
  });

  it.each([
    [{ tasks: { list: {} }, roots: { listChanged: true } }, { roots: {} }],
    [{ roots: { listChanged: true, x: 1 } }, { roots: { x: 1 } }],
    [{ elicitation: {} }, { elicitation: {} }],
    [{ elicitation: { form: {}, url: {} } }, { elicitation: { form: {}, url: {} } }],
    [{ extensions: { 'io.modelcontextprotocol/tasks': {} } }, {}],
    [
      { experimental: { a: {} }, sampling: { tools: {} } },
      { experimental: { a: {} }, sampling: { tools: {} } },
    ],
  ])(
    `${req('legacy-client.identity', 'legacy-client.tasks')} tells the server of %j as %j`,
    (declared, expected) => {
      const stage = new Stage();
      stage.client.initializes('2025-11-25', declared);
      expect(read(stage.server.takeOne()).params._meta[CAPABILITIES_KEY]).toEqual(expected);
    },
  );

  it(`${req('legacy-client.version')} is tried once more in a version that the server names`, () => {
    const stage = new Stage();
    stage.client.initializes();
    const first = stage.server.takeOne();
    stage.refuses(first, -32022, { supported: ['2030-01-01', '2026-07-28'], requested: '2026-07-28' });
    const second = stage.server.takeOne();
    expect(read(second).id).not.toBe(read(first).id);
    expect(read(second).params._meta[VERSION_KEY]).toBe('2026-07-28');
    stage.refuses(second, -32022, { supported: ['2026-07-28'], requested: '2026-07-28' });
    expect(stage.server.take()).toEqual([]);
    expect(read(stage.client.takeOne()).error).toEqual({
      code: -32603,
      message:
        'the handshake with server "demo" failed: server "demo" does not support the protocol version ' +
        '2026-07-28; it supports 2026-07-28',
    });
  });

  it.each([
    [-32022, { supported: ['2030-01-01'], requested: '2026-07-28' }, /it supports 2030-01-01/],
    [-32022, { supported: 'all' }, /it supports none that it names/],
    [-32601, undefined, /the handshake with server "demo" failed: no/],
  ])(
    `${req('modern.initialize.versions-named')} fails in words where the server answers %d %j`,
    (code, data, expected) => {
      const stage = new Stage();
      stage.client.initializes();
      stage.refuses(stage.server.takeOne(), code, data);
      const { error } = read(stage.client.takeOne());
      expect(error?.code).toBe(-32603);
      expect(error?.message).toMatch(expected);
      expect(stage.server.take()).toEqual([]);
    },
  );

  it.each([
    [{ ...QUIET, supportedVersions: ['2030-01-01'] }, /2030-01-01; mcp-proxy knows 2026-07-28/],
    [{ ...QUIET, resultType: 'input_required' }, /a type that is not known/],
    [[], /no object/],
  ])(
    `${req('modern.initialize.versions-named')} fails in words where the server answers %j`,
    (discovered, expected) => {
      expect(initialized(discovered).error?.message).toMatch(expected);
    },
  );

  it('takes trace context along, and no progress token', () => {
    const stage = new Stage();
    stage.client.asks('1', 'initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'c', version: '1' },
      _meta: { traceparent: 'tp', progressToken: 1, [VERSION_KEY]: 'x' },
    });
    const { _meta } = read(stage.server.takeOne()).params;
    expect(_meta).toMatchObject({ traceparent: 'tp', [VERSION_KEY]: '2026-07-28' });
    expect(_meta).not.toHaveProperty('progressToken');
  });

  it('refuses what is nested too deep to be sent on', () => {
    const stage = new Stage();
    const deep = `${'{"a":'.repeat(998)}1${'}'.repeat(998)}`;
    stage.client.says(
      `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"capabilities":${deep},"clientInfo":{}}}`,
    );
    expect(read(stage.client.takeOne()).error?.code).toBe(-32602);
    expect(stage.server.take()).toEqual([]);
  });

  it('cannot be cancelled', () => {
    const stage = new Stage();
    stage.client.initializes();
    stage.server.take();
    stage.client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":0}}');
    expect(stage.server.take()).toEqual([]);
  });
});
