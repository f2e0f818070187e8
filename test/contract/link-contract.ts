/** What every link half must do, whatever it is made of: one suite for all of them. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { keyOf, type Message } from '../../src/jsonrpc/message.js';
import { scan } from '../../src/jsonrpc/scan.js';
import type { Wire } from '../../src/jsonrpc/wire.js';
import type { CloseReason, Link } from '../../src/relay/link.js';
import { Inbox } from '../fixtures/inbox.js';

/** The other side of a link: a client or server that the test plays. Text is one character per octet. */
interface Peer {
  /** Sends one text as one message of the transport. It may be no JSON. */
  send(text: Wire): void;
  /** The next message that came through the link; undefined when the link was ended. */
  next(): Promise<Wire | undefined>;
  /**
   * Ends the conversation from this side, after all that it sent. Where each message has a connection of its
   * own, a peer that cares for that waits until each is taken; nothing else puts one before the other.
   */
  end(): void;
}

export interface Ends {
  readonly link: Link;
  readonly peer: Peer;
  /**
   * Does what the transport asks for before it carries anything either way, where that needs a receiver.
   * What it led to is taken out of the inbox.
   */
  begin?(inbox: Inbox): Promise<void>;
  /** Ends whatever is left, and settles when it has gone. Called once. */
  dispose(): Promise<void>;
}

export interface ContractOptions {
  /**
   * Whether the link goes on where its peer is gone. Towards a server over Streamable HTTP no connection is
   * the conversation: the server may close any of them at any time (2025-11-25 basic/transports, "Sending
   * Messages to the Server" and "Listening for Messages from the Server"), and where it has ended the session
   * the client must begin a new one ("Session Management"). There each request hears by itself that nobody
   * is there.
   */
  readonly outlivesPeer?: boolean;
}

const STOPPING: CloseReason = { kind: 'stopping', text: 'the test is over' };

const octets = (text: string): Wire => Buffer.from(text, 'utf8').toString('latin1');

export function messageOf(text: Wire): Message {
  const scanned = scan(text);
  if (scanned.kind === 'batch' || scanned.kind === 'malformed') throw new Error(`no message: ${text}`);
  return scanned;
}

const note = (params: string): Wire =>
  octets(`{"jsonrpc":"2.0","method":"notifications/contract","params":${params}}`);

/** What a proxy that rebuilds its messages would change. */
const texts: readonly [name: string, text: Wire][] = [
  [
    'unknown members',
    octets('{"other":[1],"jsonrpc":"2.0","method":"notifications/contract","params":{"é":{}},"x":null}'),
  ],
  ['numbers that no double holds', note('{"n":[12345678901234567890,9007199254740993,1e400,0.10,1E+2,-0]}')],
  ['text beyond ASCII', note('{"text":"Zürich 東京 🚀 \u007f"}')],
  ['escapes as they were spelled', note('{"text":"\\u00e9\\/\\ud83d\\ude80\\u2028\\n\\u0000"}')],
  [
    'white space inside',
    octets('{ "jsonrpc" :\t"2.0", "method": "notifications/contract" , "params": { } }'),
  ],
  ['no params', octets('{"jsonrpc":"2.0","method":"notifications/contract"}')],
  ['members that JavaScript is peculiar about', note('{"__proto__":{"a":1},"constructor":1,"10":1,"9":2}')],
  ['one MiB', note(`{"data":"${'é'.repeat(512 * 1024)}"}`)],
];

export function linkContract(name: string, make: () => Promise<Ends>, options: ContractOptions = {}): void {
  describe(`${name} keeps the contract of a link`, () => {
    let link: Link;
    let peer: Peer;
    let inbox: Inbox;
    let dispose: () => Promise<void>;

    beforeEach(async () => {
      const ends = await make();
      link = ends.link;
      peer = ends.peer;
      let disposed: Promise<void> | undefined;
      dispose = () => {
        disposed ??= ends.dispose();
        return disposed;
      };
      inbox = new Inbox();
      link.listen(inbox);
      await ends.begin?.(inbox);
    });

    afterEach(async () => {
      await dispose();
      expect(inbox.endings.length).toBeLessThanOrEqual(1);
    });

    test.each(texts)('every octet arrives from the peer: %s', async (_name, text) => {
      peer.send(text);
      expect((await inbox.next()).text).toBe(text);
    });

    test.each(texts)('every octet arrives at the peer: %s', async (_name, text) => {
      link.send(messageOf(text));
      expect(await peer.next()).toBe(text);
    });

    test.each(['7', '"a"', '9007199254740993', '""', '"é"', '-1'])(
      'a request of the peer gets its answer: id %s',
      async (id) => {
        peer.send(octets(`{"jsonrpc":"2.0","id":${id},"method":"contract/ask","params":{"x":1}}`));
        const request = await inbox.next();
        expect(request.id).toBe(octets(id));
        const answer = octets(`{"jsonrpc":"2.0","id":${id},"result":{"n":12345678901234567890}}`);
        link.send(messageOf(answer), keyOf(octets(id)));
        expect(await peer.next()).toBe(answer);
      },
    );

    test('a request to the peer gets its answer, be it a result or an error', async () => {
      const request = octets('{"jsonrpc":"2.0","id":"q","method":"contract/ask"}');
      link.send(messageOf(request));
      expect(await peer.next()).toBe(request);
      const error = octets('{"jsonrpc":"2.0","id":"q","error":{"code":-1,"message":"é","data":[1.0]}}');
      peer.send(error);
      const answer = await inbox.next();
      expect([answer.kind, answer.text]).toEqual(['error', error]);
    });

    test('requests that are open at once get their own answers, both ways', async () => {
      const ids = Array.from({ length: 20 }, (_, n) => n);
      const request = (n: number): Wire => `{"jsonrpc":"2.0","id":${n},"method":"contract/ask"}`;
      const answer = (n: number): Wire => `{"jsonrpc":"2.0","id":${n},"result":{"n":${n}}}`;
      /** What came to either side, as many as there are ids; in any order, as connections may be many. */
      const came = async (): Promise<unknown[]> => {
        const there: (Wire | undefined)[] = [];
        const here: Wire[] = [];
        for (const _ of ids) {
          there.push(await peer.next());
          here.push((await inbox.next()).text);
        }
        return [there.toSorted(), here.toSorted()];
      };
      for (const n of ids) {
        peer.send(request(n));
        link.send(messageOf(request(n)));
      }
      const requests = ids.map(request).toSorted();
      expect(await came()).toEqual([requests, requests]);
      for (const n of ids.toReversed()) {
        link.send(messageOf(answer(n)), keyOf(String(n)));
        peer.send(answer(n));
      }
      const answers = ids.map(answer).toSorted();
      expect(await came()).toEqual([answers, answers]);
    });

    test('what belongs to an open request of the peer comes before its answer', async () => {
      peer.send('{"jsonrpc":"2.0","id":7,"method":"contract/ask"}');
      await inbox.next();
      const question = '{"jsonrpc":"2.0","id":7,"method":"contract/question"}';
      link.send(messageOf(question), keyOf('7'));
      // Before the rest, as a request to a server over HTTP holds nothing back that follows it.
      expect(await peer.next()).toBe(question);
      const said = [note('{"n":1}'), note('{"n":2}'), '{"jsonrpc":"2.0","id":7,"result":{}}'];
      for (const text of said) link.send(messageOf(text), keyOf('7'));
      for (const text of said) expect(await peer.next()).toBe(text);
      const answer = '{"jsonrpc":"2.0","id":7,"result":{"to":"the question"}}';
      peer.send(answer);
      expect((await inbox.next()).text).toBe(answer);
    });

    test('order is kept, both ways at once', async () => {
      const count = 300;
      const numbered = Array.from({ length: count }, (_, n) => note(`{"n":${n}}`));
      for (const text of numbered) {
        peer.send(text);
        link.send(messageOf(text));
      }
      const there: (Wire | undefined)[] = [];
      while (there.length < count) there.push(await peer.next());
      expect(there).toEqual(numbered);
      const here: Wire[] = [];
      while (here.length < count) here.push((await inbox.next()).text);
      expect(here).toEqual(numbered);
    });

    test.each(['not JSON', '{"jsonrpc":"2.0"}', '[]', '42', '{"jsonrpc":"2.0","method":"cut off'])(
      'what is no message does not end the link: %s',
      async (bad) => {
        peer.send(bad);
        peer.send(note('{"after":true}'));
        expect((await inbox.next()).text).toBe(note('{"after":true}'));
        expect(inbox.endings).toEqual([]);
      },
    );

    test('closing it ends the conversation for the peer, and is not told to the one who did it', async () => {
      link.send(messageOf(note('{"last":1}')));
      expect(await peer.next()).toBe(note('{"last":1}'));
      link.close(STOPPING);
      link.close(STOPPING);
      expect(await peer.next()).toBeUndefined();
      await dispose();
      expect(inbox.endings).toEqual([]);
    });

    test('after closing, nothing is delivered and sending does nothing', async () => {
      link.close(STOPPING);
      link.send(messageOf(note('{"late":1}')));
      link.send(messageOf('{"jsonrpc":"2.0","id":1,"method":"ping"}'));
      peer.send(note('{"late":2}'));
      peer.send('{"jsonrpc":"2.0","id":2,"method":"contract/ask"}');
      expect(await peer.next()).toBeUndefined();
      await dispose();
      // What has a connection of its own could also come after the end.
      expect(await peer.next()).toBeUndefined();
      expect([inbox.messages, inbox.endings]).toEqual([[], []]);
    });

    if (options.outlivesPeer === true) {
      test('the end of the peer is told to each request, with words; closing after it does nothing', async () => {
        link.send(messageOf('{"jsonrpc":"2.0","id":"open","method":"contract/ask"}'));
        await peer.next();
        peer.end();
        link.send(messageOf('{"jsonrpc":"2.0","id":"late","method":"contract/ask"}'));
        const answers = [await inbox.next(), await inbox.next()];
        expect(answers.map(({ kind, id }) => `${kind} ${id}`).toSorted()).toEqual([
          'error "late"',
          'error "open"',
        ]);
        for (const { text } of answers) expect(text).toMatch(/"message":"[^"]/);
        link.close(STOPPING);
        await dispose();
        expect(inbox.endings).toEqual([]);
      });
    } else {
      test('the end of the peer is told once, with words; sending and closing after it do nothing', async () => {
        peer.send(note('{"first":1}'));
        await inbox.next();
        peer.end();
        const reason = await inbox.end();
        expect(reason.text).not.toBe('');
        link.send(messageOf(note('{"late":1}')));
        link.close(STOPPING);
        await dispose();
        expect(inbox.endings).toHaveLength(1);
      });
    }

    test('what the peer said last comes before its end', async () => {
      const count = 50;
      for (let n = 0; n < count; n++) peer.send(note(`{"n":${n},"pad":"${'x'.repeat(2000)}"}`));
      peer.end();
      if (options.outlivesPeer === true) {
        for (let n = 0; n < count; n++) await inbox.next();
        expect(inbox.endings).toEqual([]);
        return;
      }
      await inbox.end();
      expect([inbox.before, inbox.messages.length]).toEqual([count, count]);
    });

    test('both ends closing at once is told once at most', async () => {
      peer.end();
      link.close(STOPPING);
      await dispose();
      expect(inbox.endings).toEqual([]);
    });
  });
}
