/**
 * Client mode: what breaks between the proxy and a remote server, and what its client sees of it. Each row is a
 * server process or a socket that is broken on purpose, in front of the command as users start it. Each says what
 * becomes of the call that is open, that the next one works, and how often the server got and did what.
 *
 * Longer than most files: the rows are one table.
 */
import { afterEach, expect, it } from 'vitest';
import type { Message } from '../e2e/harness/raw-http.js';
import { RawStdio } from '../e2e/harness/raw-stdio.js';
import { Scope } from '../e2e/harness/scope.js';
import { row } from './harness/fault.js';
import { type Knobs, Remote } from './harness/remote.js';
import { type Cut, Wire } from './harness/wire.js';

const scope = new Scope();
afterEach(() => scope.end());

type Kind = 'mcp' | 'sse' | 'modern';

/** A client of the proxy, the server behind it, and the way between. */
class Stage {
  readonly remote: Remote;
  readonly wire: Wire;
  readonly client: RawStdio;
  readonly #kind: Kind;

  constructor(kind: Kind, remote: Remote, wire: Wire) {
    this.#kind = kind;
    this.remote = remote;
    this.wire = wire;
    this.client = new RawStdio(scope, `http://127.0.0.1:${wire.port}/${kind === 'sse' ? 'sse' : 'mcp'}`);
  }

  static async of(kind: Kind, knobs: Knobs): Promise<Stage> {
    const remote = await Remote.start(scope, knobs);
    return new Stage(
      kind,
      remote,
      scope.add(await Wire.to(remote.port), (wire) => wire.close()),
    );
  }

  /** The client is there, and where the server has a GET stream, that too. */
  async begin(): Promise<void> {
    if (this.#kind === 'modern') await this.call('first', 'echo');
    else expect(await this.client.begin()).toHaveProperty('result');
    if (this.#kind === 'mcp') await this.remote.got('GET');
  }

  /** Calls a tool; the key is the id too. */
  call(key: string, name: string, more: object = {}): Promise<Message> {
    const params = { name, arguments: { key, ...more } };
    if (this.#kind === 'modern')
      return this.client.modern('tools/call', params, { id: key, progressToken: key });
    this.client.write({
      id: key,
      method: 'tools/call',
      params: { ...params, _meta: { progressToken: key } },
    });
    return this.client.answer(key);
  }

  /** Calls a tool that does not answer; settles when it has begun. Its answer comes by `answered`. */
  async open(name: string, more: object = {}): Promise<void> {
    void this.call('open', name, more).catch(() => undefined);
    await this.remote.got('tools/call', 'open');
    if (name.startsWith('half')) await this.remote.did('open');
    // What comes with the beginning of a stream has come through.
    if (name === 'half') await this.client.line(({ method }) => method === 'notifications/progress');
  }

  cut(how: Cut): void {
    this.wire.cut('"key":"open"', how);
  }

  async restart(knobs?: Knobs): Promise<void> {
    await this.remote.kill();
    await this.remote.restart(knobs);
  }
}

interface Row {
  readonly title: string;
  readonly kind?: Kind;
  readonly knobs?: Knobs;
  /** Does the handshake itself. */
  readonly begins?: true;
  readonly fault: (stage: Stage) => Promise<void>;
  /** The answer to the call that was open: an error in these words, or a result; absent: none was open, or has none. */
  readonly open?: RegExp | 'answered';
  /** How often the server got that call (or one of these), and how often it did it. */
  readonly got?: number | readonly number[];
  readonly did?: number;
  /** How often `initialize` came to the server, where it is not once. */
  readonly initialized?: number;
}

const LOST = /broke the connection off in the middle of its answer.* may have processed the request/;
const NO_ANSWER =
  /cannot be reached: the connection was (?:reset|closed) before it answered.* may have processed the request/;
const CUTS = ['reset', 'end'] as const;
const WHERE = { at: 'an event', character: 'a character of UTF-8' } as const;
const IDS = { IDS: '1' } as const;

const kills: Row[] = [
  {
    title: `killed and started again while idle ${row('remote.restarted')}`,
    fault: (stage) => stage.restart(),
    initialized: 2,
  },
  {
    title: `killed between request and answer ${row('remote.killed-in-call')}`,
    fault: async (stage) => {
      await stage.open('hold');
      await stage.restart();
    },
    open: NO_ANSWER,
    got: 1,
    initialized: 2,
  },
  {
    title: `killed in the middle of an event ${row('remote.killed-in-event')}`,
    fault: async (stage) => {
      await stage.open('half');
      await stage.restart();
    },
    open: LOST,
    got: 1,
    did: 1,
    initialized: 2,
  },
  {
    title: `killed in the middle of an event that can be got again, by a server that remembers ${row('remote.killed-in-event')}`,
    knobs: IDS,
    fault: async (stage) => {
      await stage.open('half');
      await stage.restart(IDS);
    },
    open: /connection to \S+ broke before the request was answered, and the rest could not be got: .*404.* may have processed the request/,
    got: 1,
    did: 1,
    initialized: 2,
  },
  {
    title: `killed in the middle of an answer that is no stream ${row('remote.killed-in-event')}`,
    fault: async (stage) => {
      await stage.open('half-json');
      await stage.restart();
    },
    open: /closed before it answered|in the middle of its answer/,
    got: 1,
    did: 1,
    initialized: 2,
  },
  {
    title: `killed during the handshake, before it is answered ${row('remote.killed-in-handshake')}`,
    knobs: { HOLD: 'initialize' },
    begins: true,
    fault: async ({ client, remote }) => {
      const begun = client.begin();
      await remote.got('initialize');
      await remote.kill();
      await remote.restart();
      expect(await begun).toHaveProperty('result');
    },
    initialized: 2,
  },
  {
    title: `killed during the handshake, after it is answered ${row('remote.killed-in-handshake')}`,
    knobs: { HOLD: 'notifications/initialized' },
    begins: true,
    fault: async ({ client, remote }) => {
      expect(await client.begin()).toHaveProperty('result');
      await remote.got('notifications/initialized');
      await remote.kill();
      await remote.restart();
    },
    initialized: 2,
  },
  ...['initialize', 'notifications/initialized', 'resources/subscribe'].map(
    (HOLD): Row => ({
      title: `killed during the renewal itself, at its ${HOLD} ${row('remote.killed-in-renewal')}`,
      fault: async (stage) => {
        stage.client.write({ id: 's', method: 'resources/subscribe', params: { uri: 'a://b' } });
        await stage.client.answer('s');
        await stage.restart({ HOLD });
        void stage.call('open', 'echo');
        await stage.remote.got(HOLD);
        await stage.restart();
      },
      open: 'answered',
      // Refused once for its session, unless the stream has found out before.
      got: [1, 2],
      did: 1,
      initialized: 3,
    }),
  ),
  {
    title: `away for a while: a call fails at once, and the one after its return works ${row('remote.away')}`,
    fault: async (stage) => {
      await stage.remote.kill();
      await stage.call('open', 'echo');
      await stage.remote.restart();
    },
    open: /cannot be reached: .*ECONNREFUSED|closed before it answered|was reset/,
    initialized: 2,
  },
];

const sockets: Row[] = [
  ...CUTS.flatMap((how): Row[] => [
    {
      title: `connection cut between request and answer: ${how} ${row('remote.cut-in-call')}`,
      fault: async (stage) => {
        await stage.open('hold');
        stage.cut(how);
      },
      open: NO_ANSWER,
      got: 1,
    },
    {
      title: `connection cut in an answer that is no stream: ${how} ${row('remote.cut-in-event')}`,
      fault: async (stage) => {
        await stage.open('half-json');
        stage.cut(how);
      },
      open: /closed before it answered|was reset|in the middle of its answer/,
      got: 1,
      did: 1,
    },
    ...(['at', 'character'] as const).flatMap((at): Row[] => [
      {
        title: `connection cut in ${WHERE[at]}: ${how} ${row('remote.cut-in-event')}`,
        fault: async (stage) => {
          await stage.open('half', { at });
          stage.cut(how);
        },
        open: LOST,
        got: 1,
        did: 1,
      },
      {
        title: `connection cut in ${WHERE[at]}, and its event can be got again: ${how} ${row('remote.cut-and-resumed')}`,
        knobs: IDS,
        fault: async (stage) => {
          await stage.open('half', { at });
          stage.cut(how);
        },
        open: 'answered',
        got: 1,
        did: 1,
      },
    ]),
  ]),
  {
    title: `half-open: its call is silent, others go on, and its cancellation is the end of it ${row('remote.half-open')}`,
    fault: async (stage) => {
      await stage.open('hold');
      stage.cut('half-open');
      expect(await stage.call('other', 'echo')).toHaveProperty('result');
      stage.client.write({ method: 'notifications/cancelled', params: { requestId: 'open' } });
      await stage.remote.got('notifications/cancelled');
    },
    got: 1,
  },
  {
    title: `half-open, and at last told so ${row('remote.half-open-told')}`,
    fault: async (stage) => {
      await stage.open('hold');
      stage.cut('half-open');
      expect(await stage.call('other', 'echo')).toHaveProperty('result');
      stage.cut('reset');
    },
    open: NO_ANSWER,
    got: 1,
  },
  {
    title: `slow: octet by octet ${row('remote.slow')}`,
    begins: true,
    fault: async (stage) => {
      stage.wire.slow = true;
      await stage.begin();
      await stage.call('open', 'stream');
    },
    open: 'answered',
    got: 1,
    did: 1,
  },
];

const page = '<html><script>x()</script><h1>Log in</h1> to the network</html>';
const answers: Row[] = [
  {
    title: `a page of some proxy in place of the answer ${row('remote.page')}`,
    fault: async (stage) => {
      stage.wire.answer = `HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n${page}`;
      await stage.call('open', 'echo');
      stage.wire.answer = undefined;
    },
    open: /text\/html that is no MCP message \("Log in to the network"\)/,
  },
  {
    title: `a page of some proxy with an error ${row('remote.page')}`,
    fault: async (stage) => {
      stage.wire.answer = `HTTP/1.1 502 Bad\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n${page}`;
      await stage.call('open', 'echo');
      stage.wire.answer = undefined;
    },
    open: /HTTP status 502: Log in to the network/,
  },
  {
    title: `a redirect to somebody else ${row('remote.redirect-elsewhere')}`,
    fault: async (stage) => {
      stage.wire.answer =
        'HTTP/1.1 307 Go\r\nlocation: http://login.example/in\r\nconnection: close\r\ncontent-length: 0\r\n\r\n';
      await stage.call('open', 'echo');
      stage.wire.answer = undefined;
    },
    open: /HTTP status 307\. It points to http:\/\/login\.example\/in: give that URL/,
  },
  {
    title: `a redirect to another path of the same server ${row('remote.redirect')}`,
    knobs: { REDIRECT: '1' },
    fault: async (stage) => void (await stage.call('open', 'echo')),
    open: 'answered',
    got: 2,
    did: 1,
    initialized: 2,
  },
  {
    title: `429 with seconds ${row('remote.busy')}`,
    knobs: { REFUSE: '[429,"1",1]' },
    fault: async (stage) => void (await stage.call('open', 'echo')),
    open: 'answered',
    got: 2,
    did: 1,
  },
  {
    title: `503 with a date ${row('remote.busy')}`,
    knobs: { REFUSE: '[503,"date",3]' },
    fault: async (stage) => void (await stage.call('open', 'echo')),
    open: 'answered',
    got: 4,
    did: 1,
  },
  {
    title: `429 for longer than a call waits ${row('remote.busy-for-long')}`,
    knobs: { REFUSE: '[429,"3600",1]' },
    fault: async (stage) => void (await stage.call('open', 'echo')),
    open: /HTTP status 429: busy It is to be asked again in 3600 s; a request waits 30 s at most/,
    got: 1,
  },
  {
    title: `503 without a time ${row('remote.busy-untimed')}`,
    knobs: { REFUSE: '[503,"",1]' },
    fault: async (stage) => void (await stage.call('open', 'echo')),
    open: /HTTP status 503: busy/,
    got: 1,
  },
];

const modern = (
  [
    {
      title: `killed between request and answer ${row('modern.killed-in-call')}`,
      fault: async (stage) => {
        await stage.open('hold');
        await stage.restart({ ERA: 'modern' });
      },
      open: NO_ANSWER,
      got: 1,
    },
    ...CUTS.flatMap((how): Row[] => [
      {
        title: `connection cut between request and answer: ${how} ${row('modern.cut-in-call')}`,
        fault: async (stage) => {
          await stage.open('hold');
          stage.cut(how);
        },
        open: NO_ANSWER,
        got: 1,
      },
      {
        title: `connection cut in a character of UTF-8: ${how} ${row('modern.cut-in-event')}`,
        fault: async (stage) => {
          await stage.open('half', { at: 'character' });
          stage.cut(how);
        },
        open: /in the middle of its answer\. The server may have processed the request/,
        got: 1,
        did: 1,
      },
    ]),
    ...answers.filter(({ title }) => /^a page of some proxy in|^429|^503/.test(title)),
  ] satisfies Row[]
).map(
  (one: Row): Row => ({ ...one, kind: 'modern', knobs: { ...one.knobs, ERA: 'modern' }, initialized: 0 }),
);

const SSE_LOST = /The connection to \S+ is lost: .* The server may have processed the request/;

/** One stream brings everything. Its `initialize` comes first as a POST that is refused. */
const sse = (
  [
    {
      title: `killed and started again while idle ${row('sse.restarted')}`,
      fault: (stage) => stage.restart(),
      initialized: 2,
    },
    ...(['hold', 'half'] as const).map(
      (name): Row => ({
        title: `killed ${name === 'hold' ? 'between request and answer' : 'in the middle of an event'} ${row('sse.killed-in-call')}`,
        fault: async (stage) => {
          await stage.open(name);
          await stage.restart();
        },
        // Its POST may not have been answered either.
        open: new RegExp(`${SSE_LOST.source}|${NO_ANSWER.source}`),
        got: 1,
        did: name === 'half' ? 1 : 0,
        initialized: 2,
      }),
    ),
    ...['initialize', 'notifications/initialized', 'resources/subscribe'].map(
      (HOLD): Row => ({
        title: `killed while the handshake is repeated, at its ${HOLD} ${row('sse.killed-in-recovery')}`,
        fault: async (stage) => {
          stage.client.write({ id: 's', method: 'resources/subscribe', params: { uri: 'a://b' } });
          await stage.client.answer('s');
          await stage.restart({ HOLD });
          await stage.remote.got(HOLD);
          // What waits for an answer to `initialize` goes on waiting; after it, there is a stream to be lost with.
          if (HOLD === 'initialize') void stage.call('open', 'echo');
          await stage.restart();
        },
        ...(HOLD === 'initialize' ? { open: 'answered', got: 1, did: 1 } : {}),
        initialized: 3,
      }),
    ),
    {
      title: `away for a while: a call waits for its return ${row('sse.away')}`,
      fault: async (stage) => {
        await stage.remote.kill();
        const { program } = stage.client;
        await program.line('stderr', (line) => (line.includes('It is opened again') ? true : undefined));
        void stage.call('open', 'echo');
        await stage.remote.restart();
      },
      open: 'answered',
      got: 1,
      did: 1,
      initialized: 2,
    },
    ...CUTS.flatMap((how): Row[] => [
      {
        title: `POST cut before it is accepted: ${how} ${row('sse.post-cut')}`,
        fault: async (stage) => {
          await stage.open('deaf');
          stage.cut(how);
        },
        open: NO_ANSWER,
        got: 1,
      },
      {
        title: `stream cut between request and answer: ${how} ${row('sse.stream-cut')}`,
        fault: async (stage) => {
          await stage.open('hold');
          stage.wire.cut('GET /sse', how);
        },
        open: SSE_LOST,
        got: 1,
        initialized: 2,
      },
      ...(['at', 'character'] as const).map(
        (at): Row => ({
          title: `stream cut in ${WHERE[at]}: ${how} ${row('sse.stream-cut')}`,
          fault: async (stage) => {
            await stage.open('half', { at });
            stage.wire.cut('GET /sse', how);
          },
          open: SSE_LOST,
          got: 1,
          did: 1,
          initialized: 2,
        }),
      ),
    ]),
    {
      title: `slow: octet by octet ${row('sse.slow')}`,
      begins: true,
      fault: async (stage) => {
        stage.wire.slow = true;
        await stage.begin();
        await stage.call('open', 'stream');
      },
      open: 'answered',
      got: 1,
      did: 1,
    },
    ...answers.filter(({ title }) => /^429|^503/.test(title)),
  ] satisfies Row[]
).map((one: Row): Row => ({ ...one, kind: 'sse', initialized: (one.initialized ?? 1) + 1 }));

const rows = [
  ...[...kills, ...sockets, ...answers].map((one) => [`Streamable HTTP: ${one.title}`, one] as const),
  ...modern.map((one) => [`2026-07-28: ${one.title}`, one] as const),
  ...sse.map((one) => [`HTTP+SSE: ${one.title}`, one] as const),
];

it.each(rows)('%s', async (_title, one) => {
  const { kind = 'mcp', knobs = {}, begins, fault, open, got = 0, did = 0, initialized = 1 } = one;
  const stage = await Stage.of(kind, knobs);
  const { remote, client } = stage;
  if (begins !== true) await stage.begin();
  await fault(stage);

  if (open !== undefined) {
    const { result, error } = await client.answer('open');
    if (open === 'answered') {
      expect(error).toBeUndefined();
      expect(result?.structuredContent).toMatchObject({ key: 'open', text: 'wörld 世界' });
    } else expect(error?.message).toMatch(open);
  }
  expect((await stage.call('next', 'echo')).result?.structuredContent).toMatchObject({ key: 'next' });

  // One answer for each call, or none; and nothing is sent again that may have been processed.
  expect(client.program.stdout().split('"id":"open"')).toHaveLength(open === undefined ? 1 : 2);
  expect({
    did: remote.done('open'),
    initialized: remote.count('initialize'),
    next: remote.done('next'),
  }).toEqual({ did, initialized, next: 1 });
  expect([got].flat()).toContain(remote.count('tools/call', 'open'));
});
