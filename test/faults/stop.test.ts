/** The proxy is told to end while it is busy: what was under way and what is new. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { descendants, isAlive } from '../e2e/harness/processes.js';
import { startProxy } from '../e2e/harness/proxy.js';
import { http, type Message } from '../e2e/harness/raw-http.js';
import { modernPost, responseOf } from '../e2e/harness/raw-modern.js';
import { initialize, post, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';

const HELD = join(import.meta.dirname, '../fixtures/servers/held.mjs');
const SESSIONS = 10;
const CALLS = 8;

const scope = new Scope();
let directory: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
});
afterEach(async () => {
  await scope.end();
  rmSync(directory, { recursive: true });
});

/** A call with a number of its own, which its answer gives back. */
const call = (number: number): { name: string; arguments: { number: number } } => ({
  name: 'echo',
  arguments: { number },
});

it.each(['SIGTERM', 'SIGINT'] as const)(
  '%s under load: nothing is lost of what was under way, over each transport; what is new is told so; nothing is left',
  async (signal) => {
    const calls = join(directory, 'calls');
    const release = join(directory, 'release');
    const proxy = await startProxy(scope, [
      ...['-e', 'CALLS', calls, '-e', 'RELEASE', release],
      ...['--', process.execPath, HELD],
    ]);
    const { mcp, sse } = proxy.of('default');
    const expected = new Map<number, Promise<Message>>();
    const sessions = await Promise.all(Array.from({ length: SESSIONS }, () => RawSession.begin(mcp)));
    const old = await SseSession.begin(sse);

    let number = 0;
    for (const session of sessions) {
      for (let i = 0; i < CALLS; i++) {
        const id = ++number;
        const answer = session.post({ id, method: 'tools/call', params: call(id) });
        expected.set(id, answer.then(responseOf));
      }
    }
    for (let i = 0; i < CALLS; i++) {
      const id = ++number;
      expected.set(id, modernPost(mcp, 'tools/call', call(id), { id }).then(responseOf));
    }
    for (let i = 0; i < CALLS; i++) {
      const id = ++number;
      expected.set(id, old.ask(id, 'tools/call', call(id)));
    }
    // All of them have reached the server.
    while (linesOf(calls) < number) await new Promise((resolve) => setTimeout(resolve, 10));
    const below = descendants(proxy.program.pid);
    proxy.program.kill(signal);
    await proxy.program.line('stderr', (line) => (line.includes(signal) ? line : undefined));

    const status = await http(new URL('/status', mcp).href);
    expect(status.status).toBe(503);
    expect(JSON.parse(await status.text())).toMatchObject({ stopping: true });
    expect((await post(mcp, initialize({}))).status).toBe(503);
    expect((await sessions[0]?.post({ id: 'late', method: 'tools/list' }))?.status).toBe(503);

    writeFileSync(release, '');
    for (const [id, answer] of expected) {
      expect(await answer).toMatchObject({ id, result: { structuredContent: { number: id } } });
    }
    expect(await proxy.program.ended).toEqual({ code: 0, signal: null });
    expect(below.filter(isAlive)).toEqual([]);
  },
);

function linesOf(file: string): number {
  try {
    return readFileSync(file, 'utf8').split('\n').length - 1;
  } catch {
    return 0; // no call has come yet
  }
}

/** A session over HTTP+SSE. */
class SseSession {
  readonly #url: string;
  readonly #waiting = new Map<unknown, (answer: Message) => void>();

  private constructor(url: string) {
    this.#url = url;
  }

  static async begin(url: string): Promise<SseSession> {
    const events = (await http(url, { headers: { accept: 'text/event-stream' } })).events();
    const session = new SseSession(new URL((await events.next()).data, url).href);
    void session.#read(events);
    await session.ask('init', 'initialize', JSON.parse(initialize({ version: '2024-11-05' })).params);
    return session;
  }

  async ask(id: string | number, method: string, params: object): Promise<Message> {
    const answer = new Promise<Message>((resolve) => this.#waiting.set(id, resolve));
    const { status } = await post(this.#url, JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    expect(status).toBe(202);
    return answer;
  }

  async #read(events: { message(): Promise<Message> }): Promise<void> {
    try {
      for (;;) {
        const message = await events.message();
        this.#waiting.get(message.id)?.(message);
      }
    } catch {
      // The stream has ended.
    }
  }
}
