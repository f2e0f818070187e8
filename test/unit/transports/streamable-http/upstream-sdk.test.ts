import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { RemoteLink } from '../../../../src/remote/remote-link.js';
import { connectRemote } from '../../../../src/upstream/remote.js';
import { Client, events, Fixture, QUICK } from '../../remote/fixture.js';

/** The official SDK's servers, both versions, answering by event stream and by JSON. */
describe.each([
  { SDK: '1' },
  { SDK: '1', EVENTS: '1' },
  { SDK: '1', JSON_ANSWERS: '1' },
  { SDK: '2' },
  { SDK: '2', EVENTS: '1' },
  { SDK: '2', JSON_ANSWERS: '1' },
])('Streamable HTTP to the SDK server %o', (env: Record<string, string>) => {
  let fixture: Fixture;
  let link: RemoteLink;
  let client: Client;
  const told = events();

  beforeEach(async () => {
    fixture = await Fixture.start('remote-sdk.mjs', env);
    link = connectRemote(
      {
        url: fixture.url('/mcp'),
        transport: 'auto',
        headers: [],
        verify: true,
        era: 'legacy',
        timings: QUICK,
      },
      told.emit,
    );
    client = new Client(link);
  });

  afterEach(async () => {
    link.close({ kind: 'stopping', text: 'the test is over' });
    await link.done;
    await fixture.stop();
  });

  test('handshake, calls, errors, session headers and DELETE', async () => {
    const answer = await client.begin();
    expect(answer.result?.instructions).toBe('Grüße, 世界');
    const params = { text: 'ünï', big: 1 };
    const [echo, failed] = await Promise.all([
      client.request(1, 'echo', params),
      client.request('two', 'fail'),
    ]);
    expect(echo.result).toEqual({ echo: params });
    expect(failed.error).toEqual({ code: -32050, message: 'not today', data: { why: 'ö' } });
    await fixture.log('"GET"');
    link.close({ kind: 'stopping', text: 'done' });
    await link.done;
    const log = await fixture.log();
    const [first, ...rest] = log;
    expect(first?.headers).not.toHaveProperty('mcp-session-id');
    expect(first?.headers).not.toHaveProperty('mcp-protocol-version');
    for (const { headers } of rest) {
      expect(headers?.['mcp-session-id']).toMatch(/./);
      expect(headers?.['mcp-protocol-version']).toBe('2025-11-25');
    }
    expect(log.map(({ method }) => method)).toContain('GET');
    expect(log.at(-1)?.method).toBe('DELETE');
  });

  test.skipIf(env.JSON_ANSWERS === '1')('progress and questions belong to their request', async () => {
    await client.begin();
    await client.request(5, 'progress', { _meta: { progressToken: 'p' } });
    const progress = client.got.filter(({ method }) => method === 'notifications/progress');
    expect(progress.map(({ about, params }) => [about, params?.progress])).toEqual([
      ['5', 1],
      ['5', 2],
    ]);
    const asked = client.request(6, 'ask');
    const question = await client.until(({ method }) => method === 'elicitation/create');
    expect(question.about).toBe('6');
    client.send({ id: question.id, result: { action: 'accept', content: { name: 'Ann' } } });
    expect((await asked).result).toEqual({ answer: { action: 'accept', content: { name: 'Ann' } } });
  });

  test('what the server says unasked comes on the GET stream', async () => {
    await client.begin();
    await fixture.log('"GET"');
    await client.request(1, 'announce');
    const note = await client.until(({ method }) => method === 'notifications/tools/list_changed');
    expect(note.about).toBeUndefined();
  });

  test.runIf(env.EVENTS === '1')('a closed stream is polled for its answer', async () => {
    await client.begin();
    expect((await client.request(1, 'poll')).result).toEqual({ polled: true });
    const resume = (await fixture.log()).find(({ headers }) => headers?.['last-event-id'] !== undefined);
    expect(resume?.method).toBe('GET');
  });
});
