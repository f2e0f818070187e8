import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stamped } from '../../../../src/eras/legacy-client/stamp.js';
import { ENVELOPE_KEYS } from '../../../../src/eras/meta-keys.js';
import { req } from '../../../requirements.js';
import { message } from '../../relay/memory-link.js';
import { CAPABILITIES_KEY, INFO_KEY, LEVEL_KEY, QUIET, read, Stage, VERSION_KEY } from './stage.js';

const ENVELOPE = `"${VERSION_KEY}":"v","${CAPABILITIES_KEY}":{"n":1.50}`;

function stamp(text: string): string {
  return stamped(message(text), ENVELOPE)?.text ?? '';
}

describe('the envelope of a request', () => {
  it.each([
    ['{"jsonrpc":"2.0","id":1,"method":"m"}', `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E}}}`],
    [
      '{"jsonrpc":"2.0","method":"m","id":12} ',
      `{"jsonrpc":"2.0","method":"m","id":12,"params":{"_meta":{E}}} `,
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{ }}',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E} }}',
    ],
    [
      '{"params":{"n":1.0},"jsonrpc":"2.0","id":"x","method":"m"}',
      '{"params":{"_meta":{E},"n":1.0},"jsonrpc":"2.0","id":"x","method":"m"}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"_meta":{ }}}',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"a":1,"_meta":{E }}}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"progressToken":1e1, "b":2}}}',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E,"progressToken":1e1, "b":2}}}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":7,"a":1}}',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E},"a":1}}',
    ],
    [
      `{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"${VERSION_KEY}":"mine","a":1.0}}}`,
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E,"a":1.0}}}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{"\\u0069o.modelcontextprotocol/logLevel":"x"}}}',
      '{"jsonrpc":"2.0","id":1,"method":"m","params":{"_meta":{E}}}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"t","task":{"ttl":1}}}',
      '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"_meta":{E},"name":"t"}}',
    ],
    [
      '{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"task":1}}',
      '{"jsonrpc":"2.0","id":1,"method":"x/y","params":{"_meta":{E},"task":1}}',
    ],
  ])(`${req('legacy-client.identity')} is put into %s`, (text, expected) => {
    expect(stamp(text)).toBe(expected.replace('E', ENVELOPE));
  });

  it('leaves all else as it was, with offsets that are those of the text', () => {
    const key = fc.constantFrom('_meta', 'progressToken', 'name', 'uri', 'task', 'a', 'é', VERSION_KEY);
    const value = fc.letrec((tie) => ({
      value: fc.oneof(fc.jsonValue(), fc.dictionary(key, tie('value'), { maxKeys: 3 })),
    })).value;
    const params = fc.dictionary(key, value, { maxKeys: 4 });
    const spaced = fc.boolean();
    fc.assert(
      fc.property(params, spaced, fc.constantFrom('m', 'tools/call'), (given, isSpaced, method) => {
        const body = { id: 7, jsonrpc: '2.0', params: given, method };
        const octets = Buffer.from(JSON.stringify(body, undefined, isSpaced ? 1 : undefined), 'utf8');
        const sent = stamped(message(octets.toString('latin1')), ENVELOPE);
        expect(sent).toEqual(message(sent?.text ?? ''));
        const { _meta, ...rest } = JSON.parse(
          Buffer.from(sent?.text ?? '', 'latin1').toString('utf8'),
        ).params;
        // As it was written: JSON has no minus zero for a serialiser.
        const { _meta: before, task, ...others } = JSON.parse(JSON.stringify(given));
        expect(rest).toEqual(method === 'm' && task !== undefined ? { ...others, task } : others);
        const isObject = typeof before === 'object' && before !== null && !Array.isArray(before);
        const kept = Object.entries(isObject ? before : {}).filter(([name]) => !ENVELOPE_KEYS.has(name));
        expect(_meta).toEqual({
          ...Object.fromEntries(kept),
          [VERSION_KEY]: 'v',
          [CAPABILITIES_KEY]: { n: 1.5 },
        });
      }),
      { numRuns: 500 },
    );
  });
});

describe('a request', () => {
  it(`${req('legacy-client.identity')} says who the client is, in every method`, () => {
    const stage = Stage.ready({ sampling: {} });
    for (const method of ['tools/list', 'completion/complete', 'x/unknown']) {
      stage.client.asks('1', method);
      const request = stage.server.takeOne();
      expect(read(request)).toMatchObject({
        method,
        params: {
          _meta: {
            [VERSION_KEY]: '2026-07-28',
            [INFO_KEY]: { name: 'test', version: '1' },
            [CAPABILITIES_KEY]: { sampling: {} },
          },
        },
      });
      expect(request).not.toContain(LEVEL_KEY);
      stage.answers(request, { resultType: 'complete' });
    }
  });

  it('before any handshake is the proxy’s own', () => {
    const stage = new Stage();
    stage.client.asks('1', 'tools/list');
    expect(read(stage.server.takeOne()).params._meta).toEqual({
      [VERSION_KEY]: '2026-07-28',
      [INFO_KEY]: { name: 'mcp-proxy', version: '0' },
      [CAPABILITIES_KEY]: {},
    });
  });

  it(`${req('legacy-client.log-level')} carries the level that the client has set`, () => {
    const stage = Stage.ready({}, QUIET);
    stage.client.asks('1', 'logging/setLevel', { level: 'warning' });
    expect(stage.client.takeOne()).toBe('{"jsonrpc":"2.0","id":1,"result":{}}');
    expect(stage.server.take()).toEqual([]);
    expect(read(stage.calls()).params._meta[LEVEL_KEY]).toBe('warning');
    stage.client.asks('2', 'logging/setLevel', { level: 'loud' });
    expect(read(stage.client.takeOne()).error?.code).toBe(-32602);
    expect(read(stage.calls('3')).params._meta[LEVEL_KEY]).toBe('warning');
  });

  it(`${req('legacy-client.trace')} keeps its trace context`, () => {
    const stage = Stage.ready();
    const trace = { traceparent: '00-a-b-01', tracestate: 'x=y', baggage: 'k=v' };
    expect(read(stage.calls('1', { name: 't', _meta: trace })).params._meta).toMatchObject(trace);
  });
});
