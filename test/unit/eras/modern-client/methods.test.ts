import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { GONE, read, request, SERVER, SERVER_INFO, Stage } from './stage.js';

describe('a method that the modern era does not have', () => {
  it.each(['initialize', 'ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe'])(
    `${req('m2l.legacy-only-methods')} is refused, and no session opened: %s`,
    (method) => {
      const stage = new Stage();
      expect(read(stage.asks(method).takeOne())).toMatchObject({
        id: 1,
        error: { code: -32601, message: expect.stringContaining(method) },
      });
      expect(stage.sessions).toEqual([]);
    },
  );

  it.each(['tasks/get', 'tasks/result', 'tasks/list', 'tasks/cancel', 'tasks/update'])(
    `${req('m2l.tasks')} is refused: %s`,
    (method) => {
      const stage = new Stage();
      expect(read(stage.asks(method).takeOne())).toMatchObject({ error: { code: -32601 } });
      expect(stage.sessions).toEqual([]);
    },
  );
});

describe('server/discover', () => {
  it(`${req('m2l.discover', 'm2l.cacheable', 'm2l.server-info')} is answered from the handshake, octet for octet`, () => {
    const stage = new Stage();
    const asker = stage.asks('server/discover');
    expect(asker.takeOne()).toBe(
      `{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"tools":{"listChanged":true},"prompts":{},"resources":{"subscribe":true,"listChanged":true},"logging":{}},"instructions":"be good","_meta":{"${SERVER_INFO}":${SERVER}},"ttlMs":0,"cacheScope":"private"}}`,
    );
    expect(stage.server.take()).toEqual([]);
    expect(stage.server.closings).toHaveLength(1);
  });

  it('keeps what it does not know, and says each thing once', () => {
    const initialized = `{"_meta":{"a":1.0,"${SERVER_INFO}":{"name":"other"}},"resultType":"x","ttlMs":5,"supportedVersions":[],"cacheScope":"public","more":{"n":1e3}}`;
    const stage = new Stage({}, initialized);
    expect(stage.asks('server/discover').takeOne()).toBe(
      '{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{},"more":{"n":1e3},"_meta":{"a":1.0},"ttlMs":0,"cacheScope":"private"}}',
    );
  });

  it(`${req('m2l.tasks')} does not advertise the tasks extension either`, () => {
    const extensions = '{"io.modelcontextprotocol/tasks":{},"io.modelcontextprotocol/ui":{"n":1.0}}';
    const stage = new Stage({}, `{"capabilities":{"extensions":${extensions},"tasks":{}}}`);
    expect(stage.asks('server/discover').takeOne()).toContain(
      '"capabilities":{"extensions":{"io.modelcontextprotocol/ui":{"n":1.0}}}',
    );
  });

  it.each(['null', '7', '{"capabilities":null,"serverInfo":"me","_meta":[1]}'])(
    'makes a legal answer of an odd handshake: %s',
    (initialized) => {
      const stage = new Stage({}, initialized);
      expect(read(stage.asks('server/discover').takeOne())).toMatchObject({
        result: { resultType: 'complete', capabilities: {}, _meta: {} },
      });
    },
  );

  it('says so where an identity is nested too deeply to be passed on', () => {
    const deep = `{"name":${'['.repeat(995)}${']'.repeat(995)}}`;
    const stage = new Stage({}, `{"serverInfo":${deep}}`);
    expect(read(stage.asks('server/discover').takeOne())).toMatchObject({ result: {} });
    const deeper = `{"name":${'['.repeat(998)}${']'.repeat(998)}}`;
    const other = new Stage({}, `{"serverInfo":${deeper}}`);
    expect(read(other.asks('server/discover').takeOne())).toMatchObject({ id: 1, error: { code: -32603 } });
  });
});

describe('a session', () => {
  it('that cannot be opened is told in words', () => {
    const stage = new Stage();
    const open = (): never => {
      throw new Error('all 100 processes of "demo" are in use');
    };
    expect(read(stage.asks('tools/list', {}, { open }).takeOne())).toMatchObject({
      id: 1,
      error: { code: -32603, message: 'all 100 processes of "demo" are in use' },
    });
  });

  it('that cannot be opened later is told in words', async () => {
    const stage = new Stage();
    const opening = Promise.reject(new Error('no such command'));
    const asker = stage.asks('tools/list', {}, { open: () => opening });
    await opening.catch(() => undefined);
    expect(read(asker.takeOne())).toMatchObject({ error: { code: -32603, message: 'no such command' } });
    const odd = Promise.reject('no error');
    const other = stage.asks('tools/list', {}, { open: () => odd });
    await odd.catch(() => undefined);
    expect(read(other.takeOne())).toMatchObject({ error: { message: expect.stringContaining('demo') } });
  });

  it('that comes later serves the request', async () => {
    const stage = new Stage();
    const opening = Promise.resolve(stage.open());
    const asker = stage.asks('tools/list', {}, { open: () => opening });
    await opening;
    stage.answers(stage.server.takeOne(), { tools: [] });
    expect(read(asker.takeOne())).toMatchObject({ id: 1, result: { tools: [] } });
  });

  it('that comes when the client has gone is closed', async () => {
    const stage = new Stage();
    const opening = Promise.resolve(stage.open());
    const asker = stage.asks('tools/list', {}, { open: () => opening });
    asker.leaves();
    await opening;
    expect(stage.server.take()).toEqual([]);
    expect(stage.server.closings).toHaveLength(1);
    expect(asker.take()).toEqual([]);
  });

  it('is closed once its request is answered, and one request has one', () => {
    const stage = new Stage();
    const asker = stage.asks('tools/list');
    asker.says(request(9, 'tools/list', {}));
    expect(read(asker.takeOne())).toMatchObject({ id: 9, error: { code: -32600 } });
    expect(stage.sessions).toHaveLength(1);
    stage.answers(stage.server.takeOne(), {});
    expect(stage.server.closings).toHaveLength(1);
    asker.leaves();
    expect(stage.server.closings).toHaveLength(1);
  });

  it(`${req('m2l.cancelled')} is closed, which cancels, when the client goes`, () => {
    const stage = new Stage();
    const asker = stage.asks('tools/list');
    stage.server.take();
    asker.leaves();
    expect(stage.server.closings).toEqual([{ kind: 'ended', text: 'the client has gone' }]);
    const other = stage.asks('tools/list');
    other.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":2}}');
    expect(stage.server.closings).toHaveLength(1);
    expect([...asker.take(), ...other.take()]).toEqual([]);
  });

  it('that is lost fails the request that waits', () => {
    const stage = new Stage();
    const asker = stage.asks('tools/list');
    stage.server.goes(GONE);
    expect(read(asker.takeOne())).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'server "demo": exited with code 1', data: { exitCode: 1 } },
    });
    expect(asker.closings).toEqual([]);
  });

  it('is not opened for a request that was never sent', () => {
    const stage = new Stage();
    const asker = stage.prepare(request(1, 'tools/list', {}));
    asker.leaves();
    asker.says(request(1, 'tools/list', {}));
    expect(stage.sessions).toEqual([]);
  });
});
