/** What a stdio server is taken for, by what it says when it is asked what it speaks. */
import { describe, expect, it } from 'vitest';
import { ProbedLink, SIGN_MS, verdictOf } from '../../../src/eras/probe.js';
import { req } from '../../requirements.js';
import { HandClock } from '../relay/hand-clock.js';
import { MemoryLink, message } from '../relay/memory-link.js';

const MODERN = '2026-07-28';
const answer = (rest: object): string => JSON.stringify({ jsonrpc: '2.0', id: 'mcp-proxy-probe', ...rest });
const failed = (code: number, data?: unknown): string => answer({ error: { code, message: 'no', data } });

function asked() {
  const server = new MemoryLink();
  const clock = new HandClock();
  const late: unknown[] = [];
  const link = new ProbedLink(server, clock, { name: 'proxy', version: '1' }, (verdict) =>
    late.push(verdict),
  );
  return { server, clock, link, late };
}

describe('a server that is asked what it speaks', () => {
  it(`${req('modern.era.probed', 'modern.meta.own-requests')} is asked first of all, as a modern client does it`, () => {
    const { server } = asked();
    expect(JSON.parse(server.takeOne())).toMatchObject({
      method: 'server/discover',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': MODERN,
          'io.modelcontextprotocol/clientCapabilities': {},
          'io.modelcontextprotocol/clientInfo': { name: 'proxy', version: '1' },
        },
      },
    });
  });

  it.each([
    ['a discovery', answer({ result: { supportedVersions: ['2099-01-01', MODERN] } })],
    ['a discovery of both eras', answer({ result: { supportedVersions: ['2025-11-25', MODERN] } })],
    ['-32022 that lists a version we know', failed(-32022, { supported: [MODERN], requested: 'x' })],
  ])(`${req('modern.era.modern')} is modern by %s`, (_, text) => {
    expect(verdictOf(message(text)).era).toBe('modern');
  });

  it.each([-32601, -32602, -32600, -32603, -32700, -32000, -32001, -32002, -32099, -1, 0, 1, 404])(
    `${req('modern.era.legacy', 'modern.era.no-one-code')} is a legacy one by any other error: %i`,
    (code) => {
      expect(verdictOf(message(failed(code, { supported: [MODERN] })))).toEqual({
        era: 'legacy',
        by: 'answer',
      });
    },
  );

  it.each([
    {},
    { supportedVersions: [] },
    { supportedVersions: ['2025-11-25'] },
    { protocolVersion: MODERN },
  ])(`${req('modern.era.legacy')} is a legacy one by a result that is no modern discovery: %j`, (result) => {
    expect(verdictOf(message(answer({ result })))).toEqual({ era: 'legacy', by: 'answer' });
  });

  it(`${req('modern.era.legacy')} is a legacy one by its silence, unless it answers later`, async () => {
    const { server, clock, link, late } = asked();
    clock.advance(SIGN_MS);
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'nothing' });
    server.says(answer({ result: { supportedVersions: [MODERN] } }));
    expect(late).toEqual([{ era: 'modern', alsoLegacy: false, version: MODERN }]);
  });

  it(`${req('modern.era.legacy', 'modern.era.end')} is a legacy one by its end`, async () => {
    const { server, link } = asked();
    server.goes({ kind: 'failed', text: 'exit code 7' });
    expect(await link.verdict).toEqual({ era: 'legacy', by: 'end' });
  });
});
