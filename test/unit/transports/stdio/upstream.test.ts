import { afterEach, expect, test } from 'vitest';
import type { ServerDefinition } from '../../../../src/config/definition.js';
import { makeNotification, makeRequest } from '../../../../src/jsonrpc/make.js';
import { answerOf } from '../../../../src/jsonrpc/message.js';
import { decodeWire } from '../../../../src/jsonrpc/wire.js';
import type { ProxyEvent } from '../../../../src/observability/events.js';
import { type Child, startChild } from '../../../../src/process/child.js';
import { MAX_NOISE_SHOWN } from '../../../../src/transports/stdio/noise.js';
import { StdioUpstream } from '../../../../src/transports/stdio/upstream.js';
import { Inbox } from '../../../fixtures/inbox.js';
import { countDescendants, fixtureDefinition } from '../../../fixtures/processes.js';

interface Started {
  readonly child: Child;
  readonly link: StdioUpstream;
  readonly inbox: Inbox;
  readonly events: ProxyEvent[];
}

const started: Child[] = [];

function start(definition: ServerDefinition): Started {
  const child = startChild(definition);
  started.push(child);
  const events: ProxyEvent[] = [];
  const link = new StdioUpstream(child, definition, (event) => events.push(event));
  const inbox = new Inbox();
  link.listen(inbox);
  return { child, link, inbox, events };
}

const misbehaving = (how: string, env: Record<string, string> = {}): Started =>
  start(fixtureDefinition('misbehave.mjs', { MISBEHAVE: how, ...env }));

const script = (code: string): Started => start(fixtureDefinition('', {}, { args: ['-e', code] }));

const INITIALIZE = makeRequest('1', 'initialize', { protocolVersion: '2025-11-25' });
const echo = (id: number, text: string) =>
  makeRequest(String(id), 'tools/call', { name: 'echo', arguments: { text } });
const echoed = (text: string): string => JSON.stringify({ content: [{ type: 'text', text }] });

afterEach(async () => {
  for (const child of started.splice(0)) {
    child.killNow();
    await child.stop();
  }
  while (countDescendants() > 0) await new Promise((resolve) => setTimeout(resolve, 10));
});

test.each(['', 'noise', 'noise-between', 'noise,noise-between,crlf', 'split', 'crlf', 'split,crlf'])(
  'every answer arrives in spite of: %s',
  async (how) => {
    const { link, inbox } = misbehaving(how);
    const text = 'Zürich 東京 🚀';
    link.send(INITIALIZE);
    expect((await inbox.next()).id).toBe('1');
    for (let id = 2; id < 5; id++) {
      link.send(echo(id, text));
      const answer = await inbox.next();
      expect([answer.kind, answer.id, decodeWire(answerOf(answer))]).toEqual([
        'response',
        String(id),
        echoed(text),
      ]);
    }
  },
);

test.each([
  ['NaN', '{"jsonrpc":"2.0","id":1,"result":{"x":NaN}}'],
  ['a tab in a string', '{"result":{"x":"\t"},"jsonrpc":"2.0","id":1}'],
  ['a result and an error', '{"jsonrpc":"2.0","id":1,"result":{},"error":null}'],
  ['an error that is a word', '{"jsonrpc":"2.0","id":1,"error":"boom"}'],
  ['no version', '{"id":1,"result":{}}'],
  ['nested too deep', `{"jsonrpc":"2.0","id":1,"result":${'['.repeat(2000)}${']'.repeat(2000)}}`],
])('an answer that is no message fails its request: %s', async (_what, line) => {
  const { link, inbox, events } = script(
    `process.stdin.once('data', () => console.log(${JSON.stringify(line)})); process.stdin.resume();`,
  );
  link.send(INITIALIZE);
  const answer = await inbox.next();
  expect([answer.kind, answer.id]).toEqual(['error', '1']);
  expect(answerOf(answer)).toContain('no JSON-RPC message');
  expect(events.map(({ level }) => level)).toContain('warning');
});

/** Lines of a program that logs to its stdout, as if it had answered request 1; and the answer after them. */
const afterLogging = (lines: readonly string[]): Started =>
  script(`process.stdin.once('data', () => {
    for (const line of ${JSON.stringify(lines)}) console.log(line);
    console.log('{"jsonrpc":"2.0","id":1,"result":{}}');
  }); process.stdin.resume();`);

test('a line of a log that has the id of a request is noise, and its request goes on', async () => {
  const { link, inbox, events } = afterLogging([
    '{"level":"info","id":1}',
    '{"id":1,"event":"row loaded"}',
    '{"id":1,"error":"row not found"}',
  ]);
  link.send(INITIALIZE);
  expect(await inbox.next()).toMatchObject({ kind: 'response', id: '1' });
  expect(events).toHaveLength(3);
});

test('where sessions share it, only what says that it is JSON-RPC fails a request', async () => {
  const { link, inbox } = afterLogging([
    '{"id":1,"error":{"code":"ENOENT"}}',
    '{"id":1,"result":{"rows":1}}',
  ]);
  link.share();
  link.send(INITIALIZE);
  expect(await inbox.next()).toMatchObject({ kind: 'response', id: '1' });
  const broken = afterLogging(['{"jsonrpc":"2.0","id":1,"result":{"x":NaN}}']);
  broken.link.share();
  broken.link.send(INITIALIZE);
  expect(await broken.inbox.next()).toMatchObject({ kind: 'error', id: '1' });
});

test('noise is shown without control characters, cut, a few times, and then counted', async () => {
  const code = `
    process.stdout.write('\\x1b[31mWelcome\\x1b[0m ' + 'x'.repeat(5000) + '\\n\\n');
    for (let n = 0; n < 50; n++) console.log('noise ' + n);
    console.log('{"jsonrpc":"2.0","method":"done"}');`;
  const { inbox, events } = script(code);
  expect((await inbox.next()).method).toBe('done');
  expect(events).toHaveLength(MAX_NOISE_SHOWN);
  expect(events[0]).toMatchObject({ level: 'warning', server: 'fixture' });
  expect(events[0]?.text).toContain('The line: Welcome xxx');
  expect(events[0]?.text).not.toContain('[31m');
  expect(events[0]?.text.length).toBeLessThan(400);
  await inbox.end();
  expect(events).toHaveLength(MAX_NOISE_SHOWN + 1);
  expect(events.at(-1)?.text).toContain(`${51 - MAX_NOISE_SHOWN} more lines`);
});

test('a batch of a server is delivered message by message, and what is none in it is noise', async () => {
  const batching = misbehaving('batch');
  batching.link.send(INITIALIZE);
  expect((await batching.inbox.next()).method).toBe('notifications/message');
  expect((await batching.inbox.next()).id).toBe('1');
  const mixed = script(`console.log('[{"jsonrpc":"2.0","method":"a"},7,{"jsonrpc":"2.0","method":"b"}]')`);
  expect((await mixed.inbox.next()).method).toBe('a');
  expect((await mixed.inbox.next()).method).toBe('b');
  expect(mixed.events).toHaveLength(1);
});

test('a response that nobody waits for is delivered as it is', async () => {
  const { link, inbox } = misbehaving('stray-response');
  link.send(INITIALIZE);
  expect((await inbox.next()).id).toBe('"nobody"');
  expect((await inbox.next()).id).toBe('1');
});

test('a line of 64 MiB arrives', async () => {
  const { link, inbox } = misbehaving('long-line');
  link.send(echo(1, ''));
  expect((await inbox.next()).text.length).toBe(64 * 1024 * 1024);
});

const BEYOND = { MISBEHAVE_SIZE: String(66 * 1024 * 1024) };

test('an answer beyond the limit is dropped with a warning, fails its request, and the next one is read', async () => {
  const { link, inbox, events } = misbehaving('long-line', BEYOND);
  link.send(echo(1, ''));
  link.send(makeRequest('2', 'ping'));
  const answer = await inbox.next();
  expect([answer.kind, answer.id]).toEqual(['error', '1']);
  expect(answerOf(answer)).toMatch(/fixture.* more than 68157440 octets/);
  expect((await inbox.next()).id).toBe('2');
  expect(events.map((event) => event.text)).toEqual([expect.stringContaining('a line of more than')]);
});

test('a line beyond the limit that does not say what it answers is told as that', async () => {
  const { link, inbox, events } = script(`process.stdin.once('data', () => {
    process.stdout.write('x'.repeat(66 * 1024 * 1024) + '\\n{"jsonrpc":"2.0","method":"after"}\\n');
  });`);
  link.send(INITIALIZE);
  expect((await inbox.next()).method).toBe('after');
  expect(events.map((event) => event.text)).toEqual([
    expect.stringContaining('a line of more than'),
    expect.stringContaining('gets no answer'),
  ]);
});

test('an answer without a newline at its end arrives before the end is told', async () => {
  const { link, inbox } = misbehaving('no-newline');
  link.send(echo(1, 'last words'));
  expect(answerOf(await inbox.next())).toBe(echoed('last words'));
  expect(await inbox.end()).toMatchObject({ kind: 'ended', data: { exitCode: 0 } });
});

test('an answer that was cut by the end of the child is told by that end', async () => {
  const cut = `{"jsonrpc":"2.0","id":1,"result":{"text":"half of`;
  const { link, inbox } = script(`process.stdout.write(${JSON.stringify(cut)}, () => process.exit(4))`);
  link.send(makeRequest('1', 'ping'));
  expect((await inbox.end()).data).toMatchObject({ exitCode: 4 });
  expect(inbox.messages).toEqual([]);
});

test('death at the start is told with exit code and stderr', async () => {
  const { inbox } = misbehaving('die-at-start');
  const reason = await inbox.end();
  expect(reason).toMatchObject({
    kind: 'failed',
    data: { server: 'fixture', exitCode: 3, stderr: ['cannot start:', 'the reason'] },
  });
  expect(reason.text).toMatch(
    /server "fixture" .*ended with exit code 3.*\n {2}cannot start:\n {2}the reason/,
  );
});

test('death during a request, by a signal', async () => {
  const { link, inbox } = misbehaving('die-during', { MISBEHAVE_EXIT: 'SIGKILL' });
  link.send(INITIALIZE);
  await inbox.next();
  link.send(echo(2, 'x'));
  expect(await inbox.end()).toMatchObject({ kind: 'failed', data: { signal: 'SIGKILL' } });
  expect(inbox.messages).toHaveLength(1);
});

test('death right after an answer: the answer comes first', async () => {
  const { link, inbox } = misbehaving('die-after');
  link.send(echo(1, 'x'));
  expect(await inbox.end()).toMatchObject({ data: { exitCode: 3 } });
  expect([inbox.before, inbox.messages.length]).toEqual([1, 1]);
});

test('a command that cannot be started is told as the end of the link', async () => {
  const { link, inbox } = start(fixtureDefinition('', {}, { command: 'no-such-command-here' }));
  link.send(INITIALIZE);
  const reason = await inbox.end();
  expect(reason).toMatchObject({ kind: 'failed', data: { reason: expect.stringContaining('not found') } });
  expect(reason.text).toContain('could not be started');
});

test('a server that never reads: what waits for it is bounded, and requests are refused with an error', async () => {
  const { link, inbox, events } = misbehaving('deaf');
  const pad = 'x'.repeat(1024 * 1024);
  for (let id = 1; id <= 70; id++) link.send(echo(id, pad));
  link.send(makeNotification('notifications/lost'));
  const refusal = await inbox.next();
  expect([refusal.kind, Number(refusal.id) > 60]).toEqual(['error', true]);
  expect(answerOf(refusal)).toContain('-32603');
  expect(events).toHaveLength(1);
  expect(events[0]?.text).toContain('does not read');
});

test('a server that closes its output, or its input, and stays is stopped: nobody waits for it', async () => {
  const mute = misbehaving('close-stdout');
  mute.link.send(echo(1, 'x'));
  await mute.inbox.end();
  const deaf = script(
    `require('fs').closeSync(0); console.log('{"jsonrpc":"2.0","method":"m"}'); setInterval(() => {}, 1000)`,
  );
  await deaf.inbox.next();
  deaf.link.send(makeRequest('1', 'ping'));
  await deaf.inbox.end();
  expect(deaf.inbox.endings).toHaveLength(1);
});

test('closing the link stops the child, which may still write, and tells nobody', async () => {
  const { child, link, inbox } = misbehaving('long-line', { MISBEHAVE_SIZE: String(512 * 1024) });
  link.send(echo(1, ''));
  link.close({ kind: 'stopping', text: 'enough' });
  expect(await child.stop()).toEqual({ kind: 'exited', code: 0 });
  expect([inbox.messages, inbox.endings]).toEqual([[], []]);
});

test('a receiver that fails on one message gets the next, and the failure is told', async () => {
  const definition = fixtureDefinition('misbehave.mjs', { MISBEHAVE: '' });
  const child = startChild(definition);
  started.push(child);
  const events: ProxyEvent[] = [];
  const link = new StdioUpstream(child, definition, (event) => events.push(event));
  const second = new Promise<string | undefined>((resolve) => {
    link.listen({
      message: ({ id }) => {
        if (id === '1') throw new TypeError('no such luck');
        resolve(id);
      },
      closed: () => undefined,
    });
  });
  link.send(INITIALIZE);
  link.send(echo(2, 'x'));
  expect(await second).toBe('2');
  expect(events).toMatchObject([
    { level: 'error', server: 'fixture', text: expect.stringContaining('no such luck') },
  ]);
});
