import { describe, expect, it } from 'vitest';
import { req } from '../../requirements.js';
import { INITIALIZED, read, Stage } from './stage.js';

const INITIALIZED_SENT = '{"jsonrpc":"2.0","method":"notifications/initialized"}';

describe('the handshake that sessions share', () => {
  it(`${req('lifecycle.initialize.answered', 'lifecycle.initialize.first')} is done once and answered to each`, () => {
    const stage = new Stage();
    const [a, b, c] = [stage.client(), stage.client(), stage.client()];
    a.initializes();
    b.says(
      '{"jsonrpc":"2.0","id":"b","method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{}}}',
    );
    const sent = stage.server.takeOne();
    expect(b.take()).toEqual([]);
    const result = '{"protocolVersion":"2025-11-25" ,"big":12345678901234567890,"instructions":"\\u00e9"}';
    stage.server.says(`{"jsonrpc":"2.0","id":${read(sent).id},"result":${result}}`);
    expect(a.takeAll()).toEqual([{ text: `{"jsonrpc":"2.0","id":0,"result":${result}}`, about: '0' }]);
    expect(b.takeAll()).toEqual([{ text: `{"jsonrpc":"2.0","id":"b","result":${result}}`, about: '"b"' }]);
    c.initializes();
    expect(c.takeAll()).toEqual([{ text: `{"jsonrpc":"2.0","id":0,"result":${result}}`, about: '0' }]);
    expect(stage.server.take()).toEqual([]);
    expect(stage.correlation.inFlight).toBe(0);
  });

  it(`${req('lifecycle.initialized.sent')} ends with one initialized, whoever says it first`, () => {
    const stage = new Stage();
    const [a, b] = [stage.client(), stage.client()];
    a.initializes();
    b.initializes();
    stage.answers(stage.server.takeOne(), INITIALIZED);
    b.says(INITIALIZED_SENT);
    a.says(INITIALIZED_SENT);
    b.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([INITIALIZED_SENT]);
  });

  it('keeps an initialized that came too early until the server has answered', () => {
    const stage = new Stage();
    const a = stage.client();
    a.says(INITIALIZED_SENT);
    a.initializes();
    const sent = stage.server.takeOne();
    a.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([]);
    stage.answers(sent, INITIALIZED);
    expect(stage.server.take()).toEqual([INITIALIZED_SENT]);
    a.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([]);
  });

  it('goes on for the others when the one who began it leaves', () => {
    const stage = new Stage();
    const [a, b, c] = [stage.client(), stage.client(), stage.client()];
    for (const client of [a, b, c]) client.initializes();
    const sent = stage.server.takeOne();
    a.leaves();
    c.leaves();
    expect(stage.server.take()).toEqual([]);
    stage.answers(sent, INITIALIZED);
    expect(read(b.takeOne()).result).toEqual(INITIALIZED);
    expect([...a.take(), ...c.take()]).toEqual([]);
    b.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([INITIALIZED_SENT]);
    expect(stage.correlation.inFlight).toBe(0);
  });

  it('is there for the next one when all have left', () => {
    const stage = new Stage();
    const a = stage.client();
    a.initializes();
    const sent = stage.server.takeOne();
    a.leaves();
    const b = stage.client();
    b.initializes();
    expect(stage.server.take()).toEqual([]);
    stage.answers(sent, INITIALIZED);
    expect(read(b.takeOne()).result).toEqual(INITIALIZED);
  });

  it('gives the error of the server to all who wait, and the next one tries again', () => {
    const stage = new Stage();
    const [a, b] = [stage.client(), stage.client()];
    a.initializes();
    b.initializes();
    a.says(INITIALIZED_SENT);
    stage.refuses(stage.server.takeOne(), -32602);
    for (const client of [a, b]) {
      expect(client.takeOne()).toBe('{"jsonrpc":"2.0","id":0,"error":{"code":-32602,"message":"no"}}');
    }
    b.initializes();
    stage.answers(stage.server.takeOne(), INITIALIZED);
    expect(b.take()).toHaveLength(1);
    expect(stage.server.take()).toEqual([]);
    b.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([INITIALIZED_SENT]);
  });

  it.each([
    ['2025-11-25', '2025-11-25', '2025-11-25'],
    ['2025-11-25', '2024-11-05', '2024-11-05'],
    ['2025-11-25', '2025-06-18', '2025-06-18'],
    ['2025-06-18', '2025-11-25', '2025-06-18'],
    ['2025-06-18', '2031-01-01', '2025-06-18'],
    ['1.0-own', '2025-06-18', '1.0-own'],
  ])(
    `${req('lifecycle.version.answered')} of version %s tells a client that offers %s the version %s`,
    (agreed, offered, told) => {
      const stage = new Stage();
      const a = stage.client();
      a.initializes();
      stage.answers(stage.server.takeOne(), { ...INITIALIZED, protocolVersion: agreed });
      const b = stage.client();
      b.initializes(offered);
      expect(read(b.takeOne()).result).toEqual({ ...INITIALIZED, protocolVersion: told });
    },
  );

  it(`${req('lifecycle.initialize.params', 'lifecycle.initialized.sent')} can be the proxy's own`, async () => {
    const stage = new Stage();
    const params = {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: { name: 'n', version: '1' },
    };
    const done = stage.correlation.initialize(params);
    const a = stage.client();
    a.initializes();
    const sent = stage.server.takeOne();
    expect(read(sent)).toMatchObject({ method: 'initialize', params });
    a.says(INITIALIZED_SENT);
    stage.answers(sent, INITIALIZED);
    await done;
    expect(read(a.takeOne()).result).toEqual(INITIALIZED);
    a.says(INITIALIZED_SENT);
    expect(stage.server.take()).toEqual([INITIALIZED_SENT]);
  });

  it("fails with the server's words where the server refuses the proxy's own", async () => {
    const stage = new Stage();
    const done = stage.correlation.initialize({});
    const a = stage.client();
    a.initializes();
    stage.refuses(stage.server.takeOne());
    await expect(done).rejects.toThrow('the handshake with server "demo" failed: no');
    expect(read(a.takeOne()).error).toMatchObject({ code: -32000 });
  });

  it('fails as it should where the reason of the server is no text', async () => {
    const stage = new Stage();
    const done = stage.correlation.initialize({});
    const { id } = read(stage.server.takeOne());
    stage.server.says(`{"jsonrpc":"2.0","id":${id},"error":{"code":1,"message":{"toString":1}}}`);
    await expect(done).rejects.toThrow('the handshake with server "demo" failed: it gave no reason');
  });
});
