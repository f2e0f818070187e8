/**
 * JSON that one parser reads otherwise than the next: what the proxy acts on must be what the server acts on. The
 * server here reads keys without regard to the case of their letters and up to a NUL, and takes the last of two, as
 * parsers in use do. All clients share it, so that what gets past the proxy reaches somebody else's call.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { http } from '../e2e/harness/raw-http.js';
import { modernCall, modernPost, responseOf } from '../e2e/harness/raw-modern.js';
import { Scope } from '../e2e/harness/scope.js';
import { guards } from '../security.js';
import { LENIENT, Target } from './harness/target.js';

const scope = new Scope();
let target: Target;

beforeAll(async () => {
  target = await Target.start(scope);
});
afterAll(() => scope.end());

/** Ids that the server may know somebody else's call by. */
const IDS = Array.from({ length: 40 }, (_, id) => id);

async function arrived(word: string): Promise<string[]> {
  return (await target.lines()).filter((line) => line.includes(word));
}

describe('members that some parsers take for another', () => {
  /** Each is a whole message; `N` stands for an id of somebody else. */
  const TWO_FACED = [
    '{"jsonrpc":"2.0","id":"a","id":N,"method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","\\u0069d":N,"method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","ID":N,"method":"x/evil"}',
    '{"jsonrpc":"2.0","ID":N,"id":"a","method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","i\\u0064\\u0000":N,"method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","Method":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","\\u004dETHOD":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","method\\u0000x":"x/evil"}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","params":{"x/evil":1},"params":{}}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","params":{},"param\\u017f":{"x/evil":1}}',
    '{"jsonrpc":"2.0","id":"a","method":"ping","params":{},"param\xc5\xbf":{"x/evil":1}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x/evil","requestId":N}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"x/evil","RequestID":N}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"reque\xc5\xbftId":N,"a":"x/evil"}}',
    '{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"a":"x/evil","requestId\\u0000":N}}',
    '{"jsonrpc":"2.0","id":"a","method":"x/evil","params":{"_meta":{"progressToken":"t","ProgressToken":N}}}',
    '{"jsonrpc":"2.0","id":"a","method":"x/evil","params":{"_meta":{"progressToken":"t","progressTo\xe2\x84\xaaen":N}}}',
    '{"jsonrpc":"2.0","id":"a","method":"x/evil","params":{"_meta":{},"_Meta":{"progressToken":N}}}',
    '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"good","name":"x/evil"}}',
    '{"jsonrpc":"2.0","id":"a","method":"tools/call","params":{"name":"good","Name":"x/evil"}}',
    '{"jsonrpc":"2.0","id":"a","params":{"NAME":"x/evil"},"method":"tools/call"}',
    '{"jsonrpc":"2.0","id":"a","method":"resources/read","params":{"uri":"good","URI":"x/evil"}}',
  ];

  it(`${guards('json.one-meaning')} are refused, and nobody's call is answered or cancelled by them`, async () => {
    const victim = target.ask('x/hold');
    for (const text of TWO_FACED) {
      for (const id of text.includes('N') ? IDS : [0]) {
        const answer = await target.post(text.replace(/\bN\b/, String(id)));
        expect(answer.status, text + answer.text).toBe(400);
      }
      expect(await arrived('x/evil'), text).toEqual([]);
    }
    await target.ask('x/release');
    expect(await victim).toEqual({ took: 'x/hold' });
  });

  it(`${guards('json.one-meaning')} pass where they can't be taken for anything that the proxy acts on`, async () => {
    for (const params of ['{"Name":1,"URI":2}', '{"a":{"ID":1,"id":2,"_Meta":{"ProgressToken":3}}}']) {
      const body = `{"jsonrpc":"2.0","id":1,"method":"x/other","params":${params},"x-id":1}`;
      expect(await target.post(body)).toMatchObject({ status: 200 });
      expect(await arrived(params)).toHaveLength(1);
    }
  });
});

describe('texts that are no JSON, or no UTF-8', () => {
  const evil = (text: string): string => `{"jsonrpc":"2.0","id":1,"method":"x/wrong","params":{"a":${text}}}`;

  it.each([
    ['100,000 arrays in each other', evil('['.repeat(100_000) + ']'.repeat(100_000))],
    ['100,000 objects in each other', evil(`${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`)],
    ['arrays that are never closed', '['.repeat(100_000)],
    ['a byte that is no UTF-8', evil('"\xff"')],
    ['an overlong slash', evil('"\xc0\xaf"')],
    ['an overlong NUL', evil('"\xc0\x80"')],
    ['a surrogate in UTF-8', evil('"\xed\xa0\x80"')],
    ['a code point beyond all', evil('"\xf4\x90\x80\x80"')],
    ['half a character', evil('"\xe2\x82"')],
    ['UTF-16', Buffer.from(evil('1'), 'utf16le').toString('latin1')],
    ['a byte order mark', `\xef\xbb\xbf${evil('1')}`],
    ['a NUL in a text', evil('"\0"')],
    ['a NUL behind it', `${evil('1')}\0`],
    ['a line end in a text', evil('"\n{\\"jsonrpc\\":\\"2.0\\"}"')],
    ['a second message behind it', `${evil('1')}\n${evil('2')}`],
    ['a comment', evil('1/*"*/')],
    ['a number that is none', evil('NaN')],
    ['an id that is no JSON', '{"jsonrpc":"2.0","id":01,"method":"x/wrong"}'],
    ['an id that is an object', '{"jsonrpc":"2.0","id":{"toString":1},"method":"x/wrong"}'],
  ])(`${guards('json.refused')} are refused, and nothing arrives: %s`, async (_, text) => {
    expect(await target.post(text)).toMatchObject({ status: 400 });
    expect(await arrived('x/wrong')).toEqual([]);
    await target.serves();
  });

  it.each<[string, string]>([
    ['beyond all doubles', '1e400'],
    ['with more digits than a double', '12345678901234567890123456789'],
    ['negative zero', '-0'],
    ['a fraction', '1.50'],
    ['an exponent', '1E2'],
    ['half a surrogate pair', '"\\ud800"'],
    ['an escaped NUL', '"\\u0000"'],
    ['a megabyte', `"${'x'.repeat(1_000_000)}"`],
    ['digits of a megabyte', '1'.repeat(1_000_000)],
    ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', ''].map(
      (id): [string, string] => [`"${id}"`, `"${id}"`],
    ),
  ])(`${guards('json.ids')} an id of any kind gets its own answer, and no other: %s`, async (_, id) => {
    const victim = target.ask('x/hold');
    const { status, text } = await target.post(`{"jsonrpc":"2.0","id":${id},"method":"x/own"}`);
    expect(status).toBe(200);
    expect(text.includes(`"id":${id}`) && text.includes('"took":"x/own"')).toBe(true);
    await target.ask('x/release');
    expect(await victim).toEqual({ took: 'x/hold' });
  });
});

describe('keys that every object of JavaScript has', () => {
  const KEYS = ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf'];
  const POLLUTION =
    '{"polluted":"yes","id":7,"method":"x/evil","result":{},"jsonrpc":"1.0","headers":{"x":1}}';

  it.each(KEYS)(`${guards('json.prototype')} are keys like any other in a message: %s`, async (key) => {
    const value = `{"${key}":${POLLUTION},"a":{"${key}":${POLLUTION}}}`;
    const bodies = [
      `{"jsonrpc":"2.0","id":1,"method":"x/own","${key}":${POLLUTION}}`,
      `{"jsonrpc":"2.0","id":1,"method":"x/own","params":${value}}`,
      `{"jsonrpc":"2.0","id":1,"method":"x/own","params":{"_meta":${value}}}`,
      `{"jsonrpc":"2.0","id":1,"method":"x/own","params":{"_meta":{"progressToken":"${key}"}}}`,
      `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"${key}","arguments":${value}}}`,
      `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":${value},"clientInfo":${value}}}`,
      `{"jsonrpc":"2.0","id":1,"method":"logging/setLevel","params":{"level":"${key}"}}`,
      `{"jsonrpc":"2.0","id":1,"method":"resources/subscribe","params":{"uri":"${key}"}}`,
      `{"jsonrpc":"2.0","id":1,"method":"${key}"}`,
    ];
    for (const body of bodies) {
      const { status, text } = await target.post(body, { [key]: 'x', 'x-other': key });
      expect([status, text.includes('"id":1,"') || text.includes('"id":1}')], body + text).toEqual([
        200,
        true,
      ]);
      await target.serves();
    }
    for (const path of [`/${key}`, `/servers/${key}/mcp`, `/messages/?session_id=${key}`]) {
      expect((await http(target.proxy.url + path, { method: 'POST' })).status).toBe(404);
    }
    const status = await (await http(`${target.proxy.url}/status`)).text();
    expect(status).not.toContain('polluted');
    expect(await arrived('x/evil":')).toEqual([]);
  });

  it(`${guards('json.prototype')} nor is there a session, an event, or a call that waits, of that name`, async () => {
    const proxy = await startProxy(scope, ['--', ...LENIENT]);
    const { mcp } = proxy.of('default');
    for (const key of KEYS) {
      const own = { 'mcp-session-id': key, 'last-event-id': key, accept: 'text/event-stream' };
      for (const method of ['GET', 'DELETE']) {
        expect((await http(mcp, { method, headers: own })).status).toBe(404);
      }
      const named = await modernCall(mcp, key, { [key]: POLLUTION });
      expect(await responseOf(named)).toMatchObject({ result: { took: 'tools/call', name: key } });
      for (const requestState of [key, { [key]: 1 }, `${key}.${key}`]) {
        const more = { requestState, inputResponses: { [key]: { action: 'accept' } } };
        const retried = await modernCall(mcp, 'a', {}, { more });
        expect(await responseOf(retried)).toMatchObject({ error: { code: -32602 } });
      }
      expect(await responseOf(await modernPost(mcp, 'ping'))).toMatchObject({ id: 1 });
    }
  });
});
