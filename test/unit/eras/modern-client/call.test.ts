import { describe, expect, it } from 'vitest';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { ALL, CAPABILITIES, INFO, read, request, SERVER, SERVER_INFO, Stage, VERSION } from './stage.js';

const ENVELOPE = `"${VERSION}":"2026-07-28","${CAPABILITIES}":{},"${INFO}":{"name":"n","version":"1"}`;
const META = `"_meta":{"${SERVER_INFO}":${SERVER}}`;

/** What the server is sent for a request with these params (raw JSON), but for its id. */
function forwarded(method: string, params: string): string {
  const stage = new Stage();
  stage.sends(`{"jsonrpc":"2.0","id":1,"method":"${method}","params":${params}}`);
  return stage.server.takeOne().replace(/"id":"m\d+"/, '"id":1');
}

/** What the client is sent for an answer of the server, given from `"result"` or `"error"` on. */
function answered(method: string, rest: string): string {
  const stage = new Stage();
  const asker = stage.asks(method);
  const { id } = message(stage.server.takeOne());
  stage.server.says(`{"jsonrpc":"2.0","id":${id},${rest}}`);
  return asker.takeOne().replace('{"jsonrpc":"2.0","id":1,', '').slice(0, -1);
}

describe('a modern request', () => {
  it.each([
    ['tools/list', `{"_meta":{${ENVELOPE}}}`, '{}'],
    [
      'tools/list',
      `{"_meta":{"a":1.0,${ENVELOPE},"traceparent":"x"}}`,
      '{"_meta":{"a":1.0,"traceparent":"x"}}',
    ],
    [
      'x/y',
      `{ "n" : 9007199254740993.0 , "_meta" : {${ENVELOPE}} , "z":[1e3] }`,
      '{"n":9007199254740993.0,"z":[1e3]}',
    ],
    [
      'completion/complete',
      `{"ref":{},"_meta":{"progressToken":"t",${ENVELOPE}}}`,
      '{"ref":{},"_meta":{"progressToken":"t"}}',
    ],
    ['tools/list', `{"inputResponses":{},"requestState":"s","_meta":{${ENVELOPE}}}`, '{}'],
    ['x/y', `{"\\u0072equestState":5,"task":{},"_meta":{${ENVELOPE}}}`, '{"task":{}}'],
  ])(
    `${req('m2l.envelope', 'm2l.unknown-methods')} reaches the server without what only the modern era has: %s %s`,
    (method, params, expected) => {
      expect(forwarded(method, params)).toBe(
        `{"jsonrpc":"2.0","id":1,"method":"${method}","params":${expected}}`,
      );
    },
  );

  it(`${req('m2l.tasks')} begins no task`, () => {
    expect(forwarded('tools/call', `{"name":"t","task":{"ttl":1},"_meta":{${ENVELOPE}}}`)).toBe(
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t"}}',
    );
  });

  it('keeps unknown members beside its params', () => {
    const stage = new Stage();
    stage.sends(
      `{"x":1.0,"params":{"_meta":{${ENVELOPE}}},"id":"a","method":"tools/list","jsonrpc":"2.0","y":2.0}`,
    );
    expect(stage.server.takeOne()).toBe(
      '{"x":1.0,"params":{},"id":"m1","method":"tools/list","jsonrpc":"2.0","y":2.0}',
    );
  });

  it(`${req('m2l.ids')} has an id of its own at the server, and its answer the one it came with`, () => {
    const stage = new Stage();
    const ids = [...Array(3)].map(() => {
      const asker = stage.sends(request('same', 'tools/list', {}, { logLevel: 'info' }));
      const sent = stage.server.take();
      stage.answers(sent[1] ?? '', {});
      expect(read(asker.takeOne())).toMatchObject({ id: 'same' });
      return sent.map((text) => message(text).id);
    });
    expect(new Set(ids.flat()).size).toBe(6);
  });
});

describe('a result', () => {
  const CACHE = '"ttlMs":0,"cacheScope":"private"';
  it.each(['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'])(
    `${req('m2l.result-type', 'm2l.cacheable', 'm2l.server-info')} of %s gets what the modern era asks for`,
    (method) => {
      expect(answered(method, '"result":{"a":1.0}')).toBe(
        `"result":{"resultType":"complete",${CACHE},${META},"a":1.0}`,
      );
    },
  );

  it.each(['tools/call', 'prompts/get', 'completion/complete', 'x/y'])(
    `${req('m2l.result-type', 'm2l.server-info', 'm2l.unknown-methods')} of %s gets what the modern era asks for`,
    (method) => {
      expect(answered(method, '"result":{"a":1.0}')).toBe(
        `"result":{"resultType":"complete",${META},"a":1.0}`,
      );
    },
  );

  it.each([
    ['x/y', '{}', `{"resultType":"complete",${META}}`],
    ['x/y', '{ }', `{"resultType":"complete",${META} }`],
    ['x/y', '{"resultType":"complete"}', `{${META},"resultType":"complete"}`],
    ['x/y', '{"resultType":"input_required","a":1.0}', `{"resultType":"complete",${META},"a":1.0}`],
    ['x/y', '{"a":1.0,"resultType":7}', `{"resultType":"complete",${META},"a":1.0}`],
    ['x/y', '{"_meta":{}}', `{"resultType":"complete",${META}}`],
    ['x/y', '{"_meta":{"a":1}}', `{"resultType":"complete","_meta":{"${SERVER_INFO}":${SERVER},"a":1}}`],
    [
      'x/y',
      `{"_meta":{"${SERVER_INFO}":{"n":1}}}`,
      `{"resultType":"complete","_meta":{"${SERVER_INFO}":{"n":1}}}`,
    ],
    ['x/y', '{"_meta":null}', '{"resultType":"complete","_meta":null}'],
    ['x/y', '{"ttlMs":"x"}', `{"resultType":"complete",${META},"ttlMs":"x"}`],
    ['tools/list', '{"ttlMs":5}', `{"resultType":"complete","cacheScope":"private",${META},"ttlMs":5}`],
    [
      'tools/list',
      '{"cacheScope":"public","ttlMs":10}',
      `{"resultType":"complete",${META},"cacheScope":"public","ttlMs":10}`,
    ],
    ['tools/list', '{"cacheScope":"mine","ttlMs":-1}', `{"resultType":"complete",${CACHE},${META}}`],
    [
      'tools/list',
      '{"cacheScope":1,"ttlMs":1.5,"a":1.0}',
      `{"resultType":"complete",${CACHE},${META},"a":1.0}`,
    ],
    ['x/y', '7', '7'],
    ['x/y', 'null', 'null'],
    ['x/y', '[]', '[]'],
  ])(`${req('m2l.cacheable.ttl')} of %s that was %s`, (method, result, expected) => {
    expect(answered(method, `"result":${result}`)).toBe(`"result":${expected}`);
  });

  it(`${req('m2l.tasks')} of tools/list has no tool that needs a task, and no word of tasks with the others`, () => {
    const tools = [
      '{"name":"plain","n":1.0}',
      '{"name":"must","execution":{"taskSupport":"required"}}',
      '{"name":"may","execution":{"taskSupport":"optional"},"n":2.0}',
      '{"name":"more","execution":{"x":1.0,"taskSupport":"forbidden"}}',
      '{"name":"talks","description":"\\"taskSupport\\"","execution":{}}',
    ];
    const text = answered('tools/list', `"result":{"n":3.0,"tools":[${tools.join(',')}]}`);
    expect(text).toContain(
      `"n":3.0,"tools":[${tools[0]},{"name":"may","n":2.0},{"name":"more","execution":{"x":1.0}},${tools[4]}]}`,
    );
  });

  it(`${req('m2l.cacheable.pages')} has the same scope on every page of a list`, () => {
    const stage = new Stage();
    const scopes = ['a', 'b', undefined].map((nextCursor, page) => {
      const asker = stage.asks('tools/list', page === 0 ? {} : { cursor: nextCursor });
      stage.answers(stage.server.takeOne(), { tools: [], nextCursor });
      return read(asker.takeOne()).result;
    });
    for (const result of scopes) expect(result).toMatchObject({ cacheScope: 'private', ttlMs: 0 });
  });

  it('has no identity where the server gave none', () => {
    const stage = new Stage({}, '{"protocolVersion":"2025-11-25","capabilities":{}}');
    const asker = stage.asks('x/y');
    stage.answers(stage.server.takeOne(), {});
    expect(asker.takeOne()).toBe('{"jsonrpc":"2.0","id":1,"result":{"resultType":"complete"}}');
  });

  it('keeps what stands beside it', () => {
    const stage = new Stage();
    const asker = stage.asks('x/y');
    const { id } = message(stage.server.takeOne());
    stage.server.says(`{"a":1.0,"result":{"resultType":0},"id":${id},"jsonrpc":"2.0","b":2.0}`);
    expect(asker.takeOne()).toBe(
      `{"a":1.0,"result":{"resultType":"complete",${META}},"id":1,"jsonrpc":"2.0","b":2.0}`,
    );
  });
});

describe('an error', () => {
  it.each(['resources/read', 'prompts/get', 'tools/call', 'completion/complete', 'x/y'])(
    `${req('m2l.error.resource-not-found')} of a missing resource has the modern code: %s`,
    (method) => {
      expect(answered(method, '"error":{"code":-32002,"message":"none","data":{"n":1.0}}')).toBe(
        '"error":{"code":-32602,"message":"none","data":{"n":1.0}}',
      );
    },
  );

  it.each([-32020, -32021, -32022, -32023, -32050, -32099])(
    `${req('m2l.error.reserved')} of the code %i, which a legacy server can't mean as it is read, has no such code`,
    (code) => {
      for (const method of ['tools/call', 'tools/list', 'x/y']) {
        expect(answered(method, `"error":{"code":${code},"message":"mine","data":{"n":1.0}}`)).toBe(
          '"error":{"code":-32603,"message":"mine","data":{"n":1.0}}',
        );
      }
    },
  );

  it.each([
    ['x/y', '{"code":-32019,"message":"m"}'],
    ['x/y', '{"code":-32100,"message":"m"}'],
    ['resources/read', '{"code":-32602,"message":"m"}'],
    ['tools/list', '{"code":-32603,"message":"m","data":9007199254740993}'],
    ['x/y', '{"code":-32601,"message":"m"}'],
    ['x/y', '{"code":-32000,"message":"m","more":1.0}'],
    ['x/y', '{"code":7,"message":"m"}'],
    ['x/y', '{"message":"-32002"}'],
    ['resources/read', '{}'],
  ])(`${req('m2l.error.others')} otherwise stays as it is: %s %s`, (method, error) => {
    expect(answered(method, `"error":${error}`)).toBe(`"error":${error}`);
  });
});

describe('notifications during a call', () => {
  const log = (level: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"${level}","data":1.0}}`;
  const progress = (token: string, value: string): string =>
    `{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":${token},"progress":${value}}}`;

  it(`${req('m2l.log-level')} hold log messages of the level that was asked for`, () => {
    const stage = new Stage();
    const asker = stage.asks('tools/call', {}, { logLevel: 'warning' });
    const [level, call] = stage.server.take().map(read);
    expect(level).toEqual({
      jsonrpc: '2.0',
      id: 'm2',
      method: 'logging/setLevel',
      params: { level: 'warning' },
    });
    expect(call).toMatchObject({ method: 'tools/call', params: {} });
    stage.answers(JSON.stringify(level), {});
    for (const one of ['debug', 'notice', 'warning', 'emergency', 'loud']) stage.server.says(log(one));
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/message"}');
    expect(asker.take()).toEqual([log('warning'), log('emergency')]);
  });

  it(`${req('m2l.log-level')} hold no log messages for who asked for none`, () => {
    const stage = new Stage();
    const asker = stage.calls();
    stage.server.says(log('emergency'));
    expect(asker.take()).toEqual([]);
  });

  it('a level is not told to a server that has none, whose messages are filtered all the same', () => {
    const stage = new Stage({}, '{"capabilities":{}}');
    const asker = stage.asks('tools/call', {}, { logLevel: 'error' });
    expect(stage.server.take()).toHaveLength(1);
    for (const level of ['info', 'error']) stage.server.says(log(level));
    expect(asker.take()).toEqual([log('error')]);
  });

  it(`${req('m2l.progress')} hold its own progress, as long as it increases`, () => {
    const stage = new Stage();
    const asker = stage.calls({ token: 't' });
    for (const one of [progress('"t"', '1.0'), progress('"\\u0074"', '1.50'), progress('"other"', '9')]) {
      stage.server.says(one);
    }
    for (const value of ['1.5', '0', '"2"', '2']) stage.server.says(progress('"t"', value));
    stage.server.says('{"jsonrpc":"2.0","method":"notifications/progress"}');
    expect(asker.take()).toEqual([progress('"t"', '1.0'), progress('"t"', '1.50'), progress('"t"', '2')]);
    const silent = stage.calls();
    stage.server.says(progress('"t"', '1'));
    expect(silent.take()).toEqual([]);
  });

  it.each([
    'tools/list_changed',
    'prompts/list_changed',
    'resources/list_changed',
    'resources/updated","params":{"uri":"a:"},"x":"',
    'elicitation/complete',
    'tasks/status',
    'subscriptions/acknowledged',
    'cancelled","params":{"requestId":"m1"},"x":"',
    'cancelled","params":{"requestId":7},"x":"',
    'cancelled',
  ])(`${req('m2l.stray-notifications')} hold none of notifications/%s`, (name) => {
    const stage = new Stage();
    const asker = stage.calls({ logLevel: 'debug', capabilities: ALL });
    stage.server.says(`{"jsonrpc":"2.0","method":"notifications/${name}"}`);
    expect(asker.take()).toEqual([]);
  });

  it(`${req('m2l.unknown-methods')} that nobody knows go through, and stop with the answer`, () => {
    const stage = new Stage();
    const asker = stage.asks('tools/call');
    const unknown = '{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1.0}}';
    const call = stage.server.takeOne();
    stage.server.says(unknown);
    expect(asker.takeOne()).toBe(unknown);
    stage.answers(call, {});
    asker.take();
    stage.server.says(unknown);
    stage.answers(call, {});
    expect(asker.take()).toEqual([]);
  });

  it('answers to nothing, and errors without an id, are dropped', () => {
    const stage = new Stage();
    const asker = stage.calls();
    stage.server.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    stage.server.says('{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"parse"}}');
    expect(asker.take()).toEqual([]);
    expect(stage.events.map(({ level }) => level)).toEqual(['warning']);
  });
});
