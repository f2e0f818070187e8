/** Clients that nobody can tell apart, one call at a time: a question for roots waits for a call in which it can be asked. */
import { expect, it } from 'vitest';
import type { CorrelationOptions } from '../../../src/relay/correlation.js';
import { KEPT_MS, LOOK_MS, MAX_KEPT, MAX_KEPT_LENGTH } from '../../../src/relay/kept-questions.js';
import { Client, GONE, INITIALIZED, read, Stage } from './stage.js';

const question = (id: string, method = 'roots/list'): string =>
  `{"jsonrpc":"2.0","id":${id},"method":"${method}"}`;

interface Played {
  readonly stage: Stage;
  session(canBeAsked: boolean): Client;
  /** The ids of what was refused to the server since it was looked last. */
  refused(): unknown[];
}

async function ready(
  clients: CorrelationOptions['clients'] = 'alike',
  capabilities: object = { roots: {}, elicitation: {} },
): Promise<Played> {
  const stage = new Stage({ clients });
  const done = stage.correlation.initialize({ protocolVersion: '2025-11-25', capabilities });
  stage.answers(stage.server.takeOne(), INITIALIZED);
  // Where there are roots, the server shows first that it has taken what it may ask for them at.
  for (const sent of stage.server.take()) if (sent.includes('"ping"')) stage.answers(sent);
  await done;
  return {
    stage,
    session: (canBeAsked) => new Client(stage.correlation.attach({ isTranslated: true, canBeAsked })),
    refused: () =>
      stage.server
        .take()
        .map(read)
        .filter(({ error }) => error !== undefined)
        .map(({ id }) => id),
  };
}

it('is asked in the next call that can be asked, before that is sent, and once', async () => {
  const { stage, session, refused } = await ready();
  stage.server.says(question('1'));
  const list = session(false);
  list.asks('1', 'tools/list');
  const [listed = ''] = stage.server.take();
  stage.server.says(question('2'));
  stage.answers(listed);
  list.leaves();
  const call = session(true);
  expect(call.take()).toEqual([question('1'), question('2')]);
  const roots = '{"jsonrpc":"2.0","id":1,"result":{"roots":[]}}';
  call.says(roots);
  expect(stage.server.takeOne()).toBe(roots);
  expect(session(true).take()).toEqual([]);
  stage.clock.advance(2 * KEPT_MS);
  expect([refused(), stage.clock.timers]).toEqual([[], 0]);
});

it('waits for its time, and is refused then', async () => {
  const { stage, session, refused } = await ready();
  stage.server.says(question('1'));
  stage.clock.advance(KEPT_MS - LOOK_MS);
  expect(refused()).toEqual([]);
  stage.clock.advance(LOOK_MS);
  expect(refused()).toEqual([1]);
  expect(session(true).take()).toEqual([]);
  expect(stage.clock.timers).toBe(0);
});

it('is refused where a request in which it cannot be asked seems to wait for it', async () => {
  const { stage, session, refused } = await ready();
  stage.server.says(question('1'));
  stage.clock.advance(LOOK_MS);
  session(false).asks('1', 'resources/list');
  stage.clock.advance(LOOK_MS);
  expect(refused()).toEqual([]);
  stage.clock.advance(LOOK_MS);
  expect(refused()).toEqual([1]);
  stage.server.says(question('2'));
  stage.clock.advance(LOOK_MS);
  expect(refused()).toEqual([2]);
});

it('is not taken for one that is waited for while others come and go', async () => {
  const { stage, session, refused } = await ready();
  stage.server.says(question('1'));
  for (let n = 0; n < 5; n++) {
    const list = session(false);
    list.asks('1', 'resources/list');
    const [asked = ''] = stage.server.take();
    stage.clock.advance(LOOK_MS);
    stage.answers(asked);
    list.leaves();
  }
  expect(refused()).toEqual([]);
  expect(session(true).take()).toEqual([question('1')]);
});

it('is forgotten where the server takes it back, or is gone', async () => {
  const { stage, session } = await ready();
  for (const id of ['1', '2']) stage.server.says(question(id));
  const takesBack = (id: string): void =>
    stage.server.says(`{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`);
  takesBack('1');
  expect(session(true).take()).toEqual([question('2')]);
  stage.server.says(question('3'));
  takesBack('3');
  expect(stage.clock.timers).toBe(0);
  stage.server.says(question('4'));
  stage.server.goes(GONE);
  stage.clock.advance(2 * KEPT_MS);
  expect([stage.server.take(), stage.clock.timers]).toEqual([[], 0]);
  expect(stage.events.filter(({ level }) => level !== 'debug')).toEqual([]);
});

it('is asked in a call that is open, and in the next where that went on without it', async () => {
  const { stage, session, refused } = await ready();
  const call = session(true);
  call.asks('1', 'tools/call');
  const [sent = ''] = stage.server.take();
  stage.server.says(question('1'));
  stage.server.says(question('2', 'elicitation/create'));
  expect(call.take()).toEqual([question('1'), question('2', 'elicitation/create')]);
  stage.answers(sent);
  call.leaves();
  // That one was for whose call it was.
  expect(refused()).toEqual([2]);
  expect(session(true).take()).toEqual([question('1')]);
});

it('is refused where its call was given up', async () => {
  const { stage, session, refused } = await ready();
  const call = session(true);
  call.asks('1', 'tools/call');
  stage.server.says(question('1'));
  call.leaves();
  expect(refused()).toEqual([1]);
});

it('waits no longer for being asked meanwhile of clients that do not answer', async () => {
  const { stage, session, refused } = await ready();
  stage.server.says(question('1'));
  for (let waited = 0; waited < KEPT_MS; waited += KEPT_MS / 4) {
    const call = session(true);
    expect(call.take()).toEqual([question('1')]);
    stage.clock.advance(KEPT_MS / 4);
    call.leaves();
  }
  expect(refused()).toEqual([1]);
  expect([session(true).take(), stage.clock.timers]).toEqual([[], 0]);
});

it('is bounded in number and in length', async () => {
  const { stage, refused } = await ready();
  const long = (length: number): string =>
    `{"jsonrpc":"2.0","id":"long","method":"roots/list","params":{}}`
      .padEnd(length, ' ')
      .replace(/\}( +)$/, '$1}');
  stage.server.says(long(MAX_KEPT_LENGTH + 1));
  expect(refused()).toEqual(['long']);
  stage.server.says(long(MAX_KEPT_LENGTH));
  for (let id = 2; id <= MAX_KEPT; id++) stage.server.says(question(String(id)));
  expect(refused()).toEqual([]);
  stage.server.says(question('100'));
  expect(refused()).toEqual([100]);
});

it.each([
  ['that is no question for roots', question('1', 'elicitation/create'), {}],
  ['that was not declared', question('1'), { capabilities: { elicitation: {} } }],
  ['of a server that several clients share', question('1'), { clients: 'several' as const }],
])(
  'one %s is refused at once',
  async (_, text, { clients, capabilities }: { clients?: 'several'; capabilities?: object }) => {
    const { stage, refused } = await ready(clients, capabilities);
    stage.server.says(text);
    expect(refused()).toEqual([1]);
  },
);

it('with an id in use is refused', async () => {
  const { stage, refused } = await ready();
  for (let n = 0; n < 2; n++) stage.server.says(question('1'));
  expect(refused()).toEqual([1]);
});

it('waits for the one client of all sessions as well', async () => {
  const { stage, session, refused } = await ready('one');
  session(false).asks('1', 'tools/list');
  stage.server.says(question('1'));
  expect(refused()).toEqual([]);
  expect(session(true).take()).toEqual([question('1')]);
});
