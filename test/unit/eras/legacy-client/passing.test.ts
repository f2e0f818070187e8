import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { GONE } from '../../relay/stage.js';
import { FORM, inputRequired, QUIET, read, Stage } from './stage.js';

const LISTS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'] as const;

describe('what passes', () => {
  it.each([...LISTS, 'completion/complete', 'x/unknown'])(
    `${req('legacy-client.lists', 'legacy-client.unknown', 'caching.hints-pass')} is %s, octet for octet`,
    (method) => {
      const stage = Stage.ready();
      stage.client.says(
        `{"jsonrpc":"2.0","id":"e","method":"${method}","params":{"cursor":"a\\/b","n":1.50}}`,
      );
      const request = stage.server.takeOne();
      expect(request).toContain('"cursor":"a\\/b","n":1.50}}');
      const result = '{"resultType":"complete","ttlMs":12345678901234567890,"cacheScope":"private","x":1.0}';
      stage.answers(request, result);
      expect(stage.client.takeAll()).toEqual([
        { text: `{"jsonrpc":"2.0","id":"e","result":${result}}`, about: '"e"' },
      ]);
    },
  );

  it(`${req('legacy-client.unknown')} are notifications that nobody here knows`, () => {
    const stage = Stage.ready();
    const text = '{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1.0}}';
    stage.client.says(text);
    expect(stage.server.takeOne()).toBe(text);
    stage.server.says(text);
    expect(stage.client.takeOne()).toBe(text);
  });

  it(`${req('legacy-client.log-messages')} are log messages, to the call that they can only belong to`, () => {
    const stage = Stage.ready();
    const params = { level: 'info', data: 1 };
    const first = stage.calls('1');
    stage.says('notifications/message', params);
    stage.calls('2');
    stage.says('notifications/message', params);
    stage.says('notifications/message', params, String(read(first).id));
    expect(stage.client.takeAll().map(({ about }) => about)).toEqual(['1', undefined, '1']);
  });

  it('is an error without an id', () => {
    const stage = Stage.ready();
    const text = '{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"m"}}';
    stage.server.says(text);
    expect(stage.client.takeOne()).toBe(text);
  });
});

describe('what is answered here', () => {
  it(`${req('legacy-client.ping')} is a ping`, () => {
    const stage = new Stage();
    stage.client.asks('"p"', 'ping');
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":"p","result":{}}');
    expect(stage.server.take()).toEqual([]);
  });

  it.each([
    'tasks/get',
    'tasks/result',
    'tasks/list',
    'tasks/cancel',
    'tasks/update',
    'server/discover',
    'subscriptions/listen',
  ])(`${req('legacy-client.tasks')} is %s, with -32601`, (method) => {
    const stage = Stage.ready();
    stage.client.asks('1', method, {});
    expect(read(stage.client.takeOne()).error).toMatchObject({ code: -32601 });
    expect(stage.server.take()).toEqual([]);
  });

  it('is an id in use', () => {
    const stage = Stage.ready();
    stage.calls('1.0');
    stage.client.asks('1', 'ping');
    expect(read(stage.client.takeOne())).toMatchObject({ id: null, error: { code: -32600 } });
  });
});

describe('what stays here', () => {
  it.each([
    'notifications/initialized',
    'notifications/progress',
    'notifications/roots/list_changed',
    'notifications/tasks/status',
  ])(`${req('legacy-client.initialized')} is the client's %s`, (method) => {
    const stage = Stage.ready();
    stage.client.says(`{"jsonrpc":"2.0","method":"${method}","params":{"progressToken":1,"progress":1}}`);
    expect(stage.server.take()).toEqual([]);
  });

  it(`${req('legacy-client.server-requests')} is a request of the server, which gets no answer`, () => {
    const stage = Stage.ready();
    stage.calls();
    stage.server.says('{"jsonrpc":"2.0","id":1,"method":"roots/list"}');
    stage.server.says('{"jsonrpc":"2.0","id":2,"method":"ping"}');
    expect([stage.server.take(), stage.client.take()]).toEqual([[], []]);
    expect(stage.events).toMatchObject([{ level: 'warning' }, { level: 'warning' }]);
  });

  it('is an answer that nobody waits for, of either side', () => {
    const stage = Stage.ready();
    stage.server.says('{"jsonrpc":"2.0","id":99,"result":{"resultType":"complete"}}');
    stage.client.says('{"jsonrpc":"2.0","id":99,"result":{}}');
    stage.client.says('{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}');
    stage.says('notifications/cancelled', { requestId: 99 });
    expect([stage.server.take(), stage.client.take()]).toEqual([[], []]);
    expect(stage.events.map(({ level }) => level)).toEqual(['debug', 'debug', 'debug', 'debug']);
  });
});

describe('results', () => {
  it.each([
    ['{"content":[]}', true],
    ['{"resultType":"complete","content":[]}', true],
    ['{"resultType":"task","task":{}}', false],
    ['{"resultType":"x"}', false],
    ['{"resultType":7}', false],
  ])(`${req('legacy-client.result-type')} like %s pass: %s`, (result, passes) => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), result);
    const answer = stage.client.takeOne();
    if (passes) expect(answer).toBe(`{"jsonrpc":"2.0","id":1,"result":${result}}`);
    else expect(read(answer).error?.code).toBe(-32603);
  });

  it.each([
    ['{"content":[],"structuredContent":{"a":1.0}}', '{"content":[],"structuredContent":{"a":1.0}}'],
    [
      '{"n":1.0,"content":[{"type":"text","text":"[1]"}],"structuredContent":[1]}',
      '{"n":1.0,"content":[{"type":"text","text":"[1]"}]}',
    ],
    [
      '{"content":[{"type":"image"}],"structuredContent":"é"}',
      '{"content":[{"type":"image"},{"type":"text","text":"\\"\\u00e9\\""}]}',
    ],
    ['{"structuredContent":null}', '{"content":[{"type":"text","text":"null"}]}'],
  ])(`${req('legacy-client.structured')} of tools like %s become %s`, (result, expected) => {
    const stage = Stage.ready();
    stage.answers(stage.calls(), Buffer.from(result, 'utf8').toString('latin1'));
    expect(stage.client.takeOne()).toBe(`{"jsonrpc":"2.0","id":1,"result":${expected}}`);
  });

  it.each([
    ['{"tools":[{"name":"a","outputSchema":{"type":"object","n":1.0}}]}', undefined],
    [
      '{"tools":[{"name":"a","outputSchema":{"type":"array"},"n":1.0},{"name":"b","outputSchema":{"type":"object"}}],"nextCursor":"c"}',
      '{"tools":[{"name":"a","n":1.0},{"name":"b","outputSchema":{"type":"object"}}],"nextCursor":"c"}',
    ],
    ['{"tools":[{"outputSchema":{"anyOf":[]}}]}', '{"tools":[{}]}'],
    [
      '{"tools":[{"inputSchema":{"type":"object","properties":{"a":true,"b":false,"\\u0063":{"n":1.0,"x":true}},"additionalProperties":false},"n":1.0}]}',
      '{"tools":[{"inputSchema":{"type":"object","properties":{"a":{},"b":{"not":{}},"\\u0063":{"n":1.0,"x":true}},"additionalProperties":false},"n":1.0}]}',
    ],
    [
      '{"tools":[{"outputSchema":{"type":"object","properties":{"a":true}}},{"outputSchema":{"properties":{"a":true}}}]}',
      '{"tools":[{"outputSchema":{"type":"object","properties":{"a":{}}}},{}]}',
    ],
    // Only what the schema of the legacy era refuses: not deeper ones, nor what is no schema at all.
    [
      '{"tools": [ {"inputSchema":{"properties":{"a":{"properties":{"b":true}}},"items":true,"$defs":{"c":false}}} ]}',
      undefined,
    ],
    [
      '{"tools":[{"properties":{"a":true},"inputSchema":{"properties":[true],"x":{"a":1}}},true],"properties":{"a":true}}',
      undefined,
    ],
  ])(`${req('legacy-client.structured')} of tool lists like %s become %s`, (result, expected = result) => {
    const stage = Stage.ready();
    stage.client.asks('1', 'tools/list');
    stage.answers(stage.server.takeOne(), result);
    expect(stage.client.takeOne()).toBe(`{"jsonrpc":"2.0","id":1,"result":${expected}}`);
  });
});

describe('errors', () => {
  it.each([-32700, -32600, -32601, -32602, -32603, -32002, -32042, -32000, -32010, 1, -32099])(
    `${req('legacy-client.errors')} of code %d pass as they are`,
    (code) => {
      const stage = Stage.ready();
      const error = `{"code":${code},"message":"\\u00e9","data":{"n":1.50}}`;
      const { id } = read(stage.calls());
      stage.server.says(`{"jsonrpc":"2.0","id":${id},"error":${error}}`);
      expect(stage.client.takeOne()).toBe(`{"jsonrpc":"2.0","id":1,"error":${error}}`);
    },
  );

  it.each([
    [-32021, { requiredCapabilities: { elicitation: { url: {} }, roots: {} } }, /elicitation\.url, roots$/],
    [-32021, undefined, /one that it does not name$/],
    [
      -32022,
      { supported: ['2030-01-01'], requested: '2026-07-28' },
      /version 2026-07-28; it supports 2030-01-01$/,
    ],
    [-32020, undefined, /HTTP headers of the request: no$/],
  ])(`${req('legacy-client.errors')} of code %d are said in words`, (code, data, expected) => {
    const stage = Stage.ready();
    stage.refuses(stage.calls('"c"'), code, data);
    const { id, error } = read(stage.client.takeOne());
    expect([id, error?.code, error?.data]).toEqual(['c', -32603, undefined]);
    expect(error?.message).toMatch(/^server "demo" /);
    expect(error?.message).toMatch(expected);
  });
});

describe('the end', () => {
  it('of the upstream answers what is open, and is told', () => {
    const stage = Stage.ready();
    stage.answers(stage.calls('1'), inputRequired({ a: FORM }));
    stage.client.take();
    stage.calls('2');
    stage.server.goes(GONE);
    expect(stage.client.takeAll().map(({ text, about }) => [read(text).id, read(text).error, about])).toEqual(
      [1, 2].map((id) => [
        id,
        { code: -32603, message: 'server "demo": exited with code 1', data: { exitCode: 1 } },
        String(id),
      ]),
    );
    expect(stage.client.closings).toEqual([GONE]);
    stage.client.asks('3', 'ping');
    stage.client.leaves();
    expect([stage.client.take(), stage.server.sentTooLate, stage.server.closings]).toEqual([[], [], []]);
  });

  it('by the client closes the upstream once, and stops all timers', () => {
    const stage = Stage.ready({}, { ...QUIET, capabilities: { tools: { listChanged: true } } });
    stage.calls();
    stage.client.leaves();
    stage.client.leaves();
    expect(stage.server.closings).toHaveLength(1);
    expect(stage.clock.timers).toBe(0);
    stage.server.says('{"jsonrpc":"2.0","id":3,"result":{}}');
    expect(stage.client.take()).toEqual([]);
    expect(stage.client.closings).toEqual([]);
  });
});
