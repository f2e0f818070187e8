import { PassThrough, Writable } from 'node:stream';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeNotification, makeResponse } from '../../../../src/jsonrpc/make.js';
import { StdioDownstream } from '../../../../src/transports/stdio/downstream.js';
import { chunked } from '../../../fixtures/chunks.js';
import { Inbox } from '../../../fixtures/inbox.js';

const note = (n: number) => makeNotification('notifications/test', { n });

function setUp(output: Writable = new PassThrough()): {
  link: StdioDownstream;
  inbox: Inbox;
  input: PassThrough;
  output: Writable;
} {
  const input = new PassThrough();
  const link = new StdioDownstream({ input, output });
  const inbox = new Inbox();
  link.listen(inbox);
  return { link, inbox, input, output };
}

/** What was written so far, and in this turn. */
const written = async (output: Writable): Promise<string> => {
  await turn();
  if (!(output instanceof PassThrough)) throw new TypeError('not readable');
  const chunk: unknown = output.read();
  return chunk instanceof Buffer ? chunk.toString('latin1') : '';
};

test('what cannot be read is answered with an error that has no id; the rest goes on', async () => {
  const { inbox, input, output } = setUp();
  input.write('not JSON\n{"jsonrpc":"2.0","id":1}\n[]\n{"jsonrpc":"2.0","id":2,"method":"ping"}\n');
  expect((await inbox.next()).id).toBe('2');
  const errors = (await written(output))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(errors.map(({ id, error }) => [id, error.code])).toEqual([
    [null, -32700],
    [null, -32600],
    [null, -32600],
  ]);
});

test('a batch is taken message by message', async () => {
  const { inbox, input, output } = setUp();
  input.write('[{"jsonrpc":"2.0","id":1,"method":"a"},{"oops":1},{"jsonrpc":"2.0","method":"b"}]\n');
  expect((await inbox.next()).method).toBe('a');
  expect((await inbox.next()).method).toBe('b');
  expect(JSON.parse(await written(output))).toMatchObject({ id: null, error: { code: -32600 } });
});

test('any split of what the client sends gives the same messages, the last one without its newline too', async () => {
  const messages = fc.array(
    fc.jsonValue().map((value) => JSON.stringify({ jsonrpc: '2.0', method: 'm', params: { value } })),
    { minLength: 1, maxLength: 8 },
  );
  const stream = messages.chain((all) =>
    chunked(fc.constant(Buffer.from(all.join('\n')))).map(({ chunks }) => ({ all, chunks })),
  );
  await fc.assert(
    fc.asyncProperty(stream, async ({ all, chunks }) => {
      const { inbox, input } = setUp();
      for (const chunk of chunks) input.write(chunk);
      input.end();
      expect((await inbox.end()).kind).toBe('ended');
      expect(inbox.messages.map(({ text }) => Buffer.from(text, 'latin1').toString())).toEqual(all);
      expect(inbox.before).toBe(all.length);
    }),
  );
});

test('a client that no longer reads is gone', async () => {
  const output = new Writable({
    write: (_chunk, _encoding, done) => done(Object.assign(new Error('broken pipe'), { code: 'EPIPE' })),
  });
  const { link, inbox, input } = setUp(output);
  link.send(note(1));
  expect((await inbox.end()).kind).toBe('ended');
  link.send(note(2));
  input.write('{"jsonrpc":"2.0","method":"late"}\n');
  await link.drained();
  expect([inbox.endings.length, inbox.messages.length]).toEqual([1, 0]);
});

test('drained waits until all that was sent is written, also after the link was closed', async () => {
  const taken: string[] = [];
  const slow = new Writable({
    highWaterMark: 1,
    write: (chunk: Buffer, _encoding, done) => {
      taken.push(chunk.toString());
      setImmediate(done);
    },
  });
  const { link } = setUp(slow);
  for (let n = 0; n < 20; n++) link.send(makeResponse(String(n), '{}'));
  await link.drained();
  expect(taken.join('').trimEnd().split('\n')).toHaveLength(20);
  link.send(note(1));
  link.close({ kind: 'stopping', text: 'done' });
  await link.drained();
  expect(taken.join('')).toContain('"n":1');
  await link.drained();
});

test('drained does not wait for a client that never reads again', async () => {
  const { link } = setUp(new Writable({ write: () => undefined }));
  link.send(note(1));
  await link.drained();
});
