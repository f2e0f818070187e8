import { describe, expect, it } from 'vitest';
import { ModernDemux } from '../../../../src/eras/modern-client/demux.js';
import type { CloseReason } from '../../../../src/relay/link.js';
import { req } from '../../../requirements.js';
import { MemoryLink, message } from '../../relay/memory-link.js';
import { CAPABILITIES, GONE, LOG_LEVEL, read, request, VERSION } from './stage.js';

class Demuxed {
  readonly links: MemoryLink[] = [];
  readonly notified: string[] = [];
  readonly closings: CloseReason[] = [];
  readonly demux = new ModernDemux({
    answer: () => {
      const link = new MemoryLink();
      this.links.push(link);
      return link;
    },
    notify: ({ text }) => this.notified.push(text),
  });
  #got: [text: string, about: string | undefined][] = [];

  constructor() {
    this.demux.listen({
      message: ({ text }, about) => this.#got.push([text, about]),
      closed: (reason) => this.closings.push(reason),
    });
  }

  says(text: string): void {
    this.demux.send(message(text));
  }

  /** The client asks something; returns the link that it is answered on. */
  asks(id: string | number, method = 'tools/call'): MemoryLink {
    this.says(request(id, method, {}));
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('no link was opened');
    return link;
  }

  take(): [text: string, about: string | undefined][] {
    return this.#got.splice(0);
  }
}

const cancelled = (id: string, more = ''): string =>
  `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}${more}}}`;

describe('many modern requests on one link', () => {
  it('each have a link of their own', () => {
    const stage = new Demuxed();
    const [one, two] = [stage.asks(1), stage.asks('1')];
    expect(one.takeOne()).toBe(request(1, 'tools/call', {}));
    expect(two.takeOne()).toBe(request('1', 'tools/call', {}));
    two.says('{"jsonrpc":"2.0","method":"notifications/x"}');
    two.says('{"jsonrpc":"2.0","id":"1","result":{"n":1.0}}');
    one.says('{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}');
    expect(stage.take()).toEqual([
      ['{"jsonrpc":"2.0","method":"notifications/x"}', '"1"'],
      ['{"jsonrpc":"2.0","id":"1","result":{"n":1.0}}', '"1"'],
      ['{"jsonrpc":"2.0","id":1,"error":{"code":1,"message":"m"}}', '1'],
    ]);
    expect(stage.asks(1)).not.toBe(one);
  });

  it(`${req('m2l.ids', 'modern.request.id-unique')} do not share an id`, () => {
    const stage = new Demuxed();
    const one = stage.asks(1);
    stage.says(request(1, 'tools/list', {}));
    expect(stage.links).toHaveLength(1);
    expect(stage.take().map(([text]) => read(text))).toMatchObject([{ id: null, error: { code: -32600 } }]);
    one.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    expect(stage.take()).toHaveLength(1);
  });

  it.each([
    ['no _meta', {}],
    ['no version', { _meta: { [CAPABILITIES]: {} } }],
    ['no capabilities', { _meta: { [VERSION]: '2026-07-28' } }],
  ])(`${req('m2l.envelope-required')} are refused with %s`, (_, params) => {
    const stage = new Demuxed();
    stage.says(JSON.stringify({ jsonrpc: '2.0', id: 'a', method: 'tools/list', params }));
    const [[text = '', about] = []] = stage.take();
    expect(about).toBe('"a"');
    expect(read(text)).toMatchObject({
      id: 'a',
      error: { code: -32602, message: expect.stringContaining('io.modelcontextprotocol/') },
    });
    expect(stage.links).toEqual([]);
  });

  it.each(['loud', 'INFO', '', 7, null])(
    `${req('modern.log.level-refused')} are refused with a log level that is none: %j`,
    (level) => {
      const stage = new Demuxed();
      stage.says(request(1, 'tools/call', {}, { meta: { [LOG_LEVEL]: level } }));
      expect(stage.take().map(([text]) => read(text))).toMatchObject([
        { id: 1, error: { code: -32602, message: expect.stringContaining(LOG_LEVEL) } },
      ]);
      expect(stage.links).toEqual([]);
    },
  );

  it(`${req('m2l.unsupported-version')} are refused in a version that nobody speaks`, () => {
    const stage = new Demuxed();
    stage.says(request(1, 'tools/list', {}).replace('2026-07-28', '2025-11-25'));
    expect(stage.take().map(([text]) => read(text))).toMatchObject([
      { id: 1, error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2025-11-25' } } },
    ]);
    expect(stage.links).toEqual([]);
  });

  it(`${req('m2l.cancelled', 'modern-stdio.cancelled-silence', 'modern.cancelled.invalid-ignored', 'modern.cancelled.race')} are cancelled one by one, and nothing more is said of them`, () => {
    const stage = new Demuxed();
    const [one, two] = [stage.asks(1), stage.asks(2)];
    for (const id of ['1.0', '7', '[1]', '1']) stage.says(cancelled(id));
    stage.says('{"jsonrpc":"2.0","method":"notifications/cancelled"}');
    expect(one.closings).toHaveLength(1);
    expect(two.closings).toEqual([]);
    one.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    one.says('{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":1,"progress":1}}');
    one.goes(GONE);
    expect(stage.take()).toEqual([]);
    const again = stage.asks(1);
    one.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    again.says('{"jsonrpc":"2.0","id":1,"result":{"n":2}}');
    expect(stage.take()).toEqual([['{"jsonrpc":"2.0","id":1,"result":{"n":2}}', '1']]);
    expect(stage.notified).toEqual([]);
  });

  it(`${req('modern.cancelled.reason')} are cancelled in the words of the client, where it gives any`, () => {
    const stage = new Demuxed();
    const links = [stage.asks(1), stage.asks(2), stage.asks(3)];
    stage.says(cancelled('1', ',"reason":"enough \\u00fc"'));
    stage.says(cancelled('2', ',"reason":7'));
    stage.says(cancelled('3'));
    expect(links.flatMap(({ closings }) => closings)).toEqual([
      { kind: 'ended', text: 'enough ü' },
      { kind: 'ended', text: 'the client cancelled the request' },
      { kind: 'ended', text: 'the client cancelled the request' },
    ]);
  });

  it(`${req('m2l.listen.torn-down')} hear of a subscription that is lost, and fail where another request is`, () => {
    const stage = new Demuxed();
    const [listen, call] = [stage.asks(1, 'subscriptions/listen'), stage.asks(2)];
    listen.goes(GONE);
    call.goes(GONE);
    expect(stage.take().map(([text, about]) => [read(text), about])).toMatchObject([
      [{ method: 'notifications/cancelled', params: { requestId: 1, reason: GONE.text } }, '1'],
      [{ id: 2, error: { code: -32603, message: GONE.text, data: GONE.data } }, '2'],
    ]);
    expect(stage.asks(1, 'subscriptions/listen')).not.toBe(listen);
  });

  it('end with the link', () => {
    const stage = new Demuxed();
    const links = [stage.asks(1), stage.asks(2)];
    links[0]?.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    stage.take();
    expect(links[0]?.closings).toHaveLength(1);
    for (let times = 0; times < 2; times++) stage.demux.close({ kind: 'ended', text: 'the client has gone' });
    expect(links.map(({ closings }) => closings.length)).toEqual([1, 1]);
    stage.says(request(3, 'tools/list', {}));
    links[1]?.says('{"jsonrpc":"2.0","id":2,"result":{}}');
    expect(stage.links).toHaveLength(2);
    expect([...stage.take(), ...stage.closings]).toEqual([]);
  });

  it(`${req('modern.notification.no-response')} leave other notifications to whoever wants them, and drop answers`, () => {
    const stage = new Demuxed();
    const other = '{"jsonrpc":"2.0","method":"notifications/x","params":{"n":1.0}}';
    stage.says(other);
    stage.says('{"jsonrpc":"2.0","id":1,"result":{}}');
    stage.says('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}');
    expect(stage.notified).toEqual([other]);
    expect(stage.take()).toEqual([]);
    new ModernDemux({ answer: () => new MemoryLink() }).send(message(other));
  });
});
