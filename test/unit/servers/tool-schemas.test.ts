import { describe, expect, it } from 'vitest';
import type { Envelope } from '../../../src/eras/envelope.js';
import type { Link } from '../../../src/relay/link.js';
import { ToolSchemas } from '../../../src/servers/tool-schemas.js';
import { HandClock } from '../relay/hand-clock.js';
import { MemoryLink } from '../relay/memory-link.js';
import { read } from '../relay/stage.js';

const CLIENT: Envelope = {
  version: '2026-07-28',
  capabilities: { sampling: {} },
  clientInfo: { name: 'a' },
  logLevel: 'debug',
};
const ENOUGH_MS = 120_000;

function tool(name: string, header?: string): object {
  const p = { type: 'string', ...(header === undefined ? {} : { 'x-mcp-header': header }) };
  return { name, inputSchema: { type: 'object', properties: { p } } };
}

function stage(open?: () => Link | Promise<Link>) {
  const clock = new HandClock();
  const links: MemoryLink[] = [];
  const schemas = new ToolSchemas(clock, () => {
    if (open) return open();
    const link = new MemoryLink();
    links.push(link);
    return link;
  });
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  /** Answers the last listing with these tools. */
  const lists = async (tools: object[], more: object = {}): Promise<void> => {
    await settled();
    links.at(-1)?.says(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools, ...more } }));
    await settled();
  };
  return { clock, links, schemas, settled, lists };
}

describe('the headers of a tool', () => {
  it('are listed with the first call, in its client`s name, and once for all who ask meanwhile', async () => {
    const { links, schemas, lists } = stage();
    const asked = [
      schemas.of('a', CLIENT, false),
      schemas.of('b', CLIENT, false),
      schemas.of('x', CLIENT, true),
    ];
    await lists([tool('a', 'One'), tool('b')]);
    expect(links).toHaveLength(1);
    expect(read(links[0]?.takeOne() ?? '')).toMatchObject({
      method: 'tools/list',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientCapabilities': { sampling: {} },
          'io.modelcontextprotocol/clientInfo': { name: 'a' },
        },
      },
    });
    expect(await Promise.all(asked)).toEqual([
      [expect.objectContaining({ header: 'Mcp-Param-One' })],
      [],
      undefined,
    ]);
    expect(links[0]?.closings).toHaveLength(1);
    expect(await schemas.of('a', CLIENT, false)).toHaveLength(1);
    expect(links).toHaveLength(1);
  });

  it('are those of one place: what another one declares is not theirs', async () => {
    const { links, schemas, lists } = stage();
    const hers = schemas.of('a', CLIENT, false, 'key:ann', 'hers');
    await lists([tool('a', 'One')]);
    const his = schemas.of('a', CLIENT, false, 'key:bob', 'his');
    await lists([tool('a')]);
    expect(await hers).toHaveLength(1);
    expect(await his).toEqual([]);
    expect(links).toHaveLength(2);
    expect(await schemas.of('a', CLIENT, false, 'key:ann', 'hers')).toHaveLength(1);
  });

  it('are forgotten of the place that came first, where there are many', async () => {
    const { links, schemas, lists } = stage();
    for (let place = 0; place < 102; place++) {
      const asked = schemas.of('a', CLIENT, false, undefined, String(place));
      await lists([tool('a')]);
      await asked;
    }
    expect(links).toHaveLength(102);
    void schemas.of('a', CLIENT, false, undefined, '101');
    void schemas.of('a', CLIENT, false, undefined, '0');
    await lists([tool('a')]);
    expect(links).toHaveLength(103);
  });

  it('are read from all pages', async () => {
    const { links, schemas, lists } = stage();
    const asked = schemas.of('b', CLIENT, false);
    await lists([tool('a')], { nextCursor: 'more' });
    expect(links).toHaveLength(2);
    expect(read(links[1]?.takeOne() ?? '').params).toMatchObject({ cursor: 'more' });
    await lists([tool('b', 'B')]);
    expect(await asked).toHaveLength(1);
  });

  it('are no reason to list for ever: a list without end, and tools that are not there', async () => {
    const { links, schemas, lists } = stage();
    const asked = schemas.of('z', CLIENT, false);
    for (let page = 0; page < 150; page++) await lists([tool(`t${page}`)], { nextCursor: `c${page}` });
    expect(await asked).toBeUndefined();
    const { length } = links;
    expect(length).toBeLessThanOrEqual(100);
    for (const name of ['z', 'y', 'x']) expect(await schemas.of(name, CLIENT, true)).toBeUndefined();
    expect(links).toHaveLength(length);
  });

  it('are listed anew where they do not agree with a call, after a while', async () => {
    const { clock, links, schemas, lists } = stage();
    const asked = schemas.of('a', CLIENT, false);
    await lists([tool('a', 'Old')]);
    await asked;
    clock.advance(ENOUGH_MS);
    const again = schemas.of('a', CLIENT, true);
    await lists([tool('a', 'New')]);
    expect(await again).toEqual([expect.objectContaining({ header: 'Mcp-Param-New' })]);
    expect(links).toHaveLength(2);
  });

  it.each<[string, (link: MemoryLink | undefined, clock: HandClock) => void]>([
    ['it refuses', (link) => link?.says('{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}')],
    ['it is lost', (link) => link?.goes({ kind: 'failed', text: 'gone' })],
    ['it says nothing', (_, clock) => clock.advance(ENOUGH_MS)],
    ['it says something else', (link) => link?.says('{"jsonrpc":"2.0","id":1,"result":[]}')],
  ])('are not known where the server does not list: %s', async (_what, answer) => {
    const { clock, links, schemas, settled } = stage();
    const asked = schemas.of('a', CLIENT, false);
    await settled();
    answer(links[0], clock);
    expect(await asked).toBeUndefined();
    expect(links[0]?.closings).toHaveLength(1);
    expect(clock.timers).toBe(0);
    // The next call is not held up by it again.
    expect(await schemas.of('a', CLIENT, false)).toBeUndefined();
    expect(links).toHaveLength(1);
    clock.advance(ENOUGH_MS);
    void schemas.of('a', CLIENT, false);
    await settled();
    expect(links).toHaveLength(2);
  });

  it.each<[string, () => Link | Promise<Link>]>([
    [
      'at once',
      () => {
        throw new Error('no place');
      },
    ],
    ['later', () => Promise.reject(new Error('no place'))],
  ])('are not known where there is no server to be had: %s', async (_when, open) => {
    expect(await stage(open).schemas.of('a', CLIENT, false)).toBeUndefined();
  });

  it('do not wait for notifications', async () => {
    const { links, schemas, settled, lists } = stage();
    const asked = schemas.of('a', CLIENT, false);
    await settled();
    links[0]?.says('{"jsonrpc":"2.0","method":"notifications/message","params":{"level":"info","data":1}}');
    await lists([tool('a')]);
    expect(await asked).toEqual([]);
  });
});
