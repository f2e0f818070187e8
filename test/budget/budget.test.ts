/**
 * What one call may cost, counted, so that it is the same on every machine: octets allocated, JSON that is parsed or
 * written anew, and writes to sockets and pipes. Who needs more raises the number here, and says why in the commit;
 * `bench/README.md` says what it is in time.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, expect, it } from 'vitest';
import { end, type Program, start } from '../e2e/harness/processes.js';
import { PROXY, startProxy } from '../e2e/harness/proxy.js';
import { initialize, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';

/** So many at once, as an agent with many tools at work. */
const IN_FLIGHT = 32;
/** Calls before any is counted: V8 has compiled the hot code by then, and collections are regular. */
const WARM_UP = 4000;
const COUNTED = 4000;

interface Cost {
  /** Octets, by a sample: some hundredths more or less with each run. */
  readonly allocated: number;
  readonly parses: number;
  readonly strings: number;
  readonly writes: number;
}

const scope = new Scope();
const ECHO = join(import.meta.dirname, '../../bench/backends/echo-stdio.mjs');
const ECHO_HTTP = join(import.meta.dirname, '../../bench/backends/echo-http.mjs');
const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-budget-'));
const counts = join(folder, 'counts.json');
const counting = {
  env: {
    NODE_OPTIONS: `--require ${join(import.meta.dirname, '../fixtures/count.cjs')}`,
    COUNTS: counts,
  },
};

afterEach(async () => {
  await scope.end();
  rmSync(counts, { force: true });
});
afterAll(() => rmSync(folder, { recursive: true }));

function call(id: number): string {
  const params = { name: 'echo', arguments: { message: `${id} ${'x'.repeat(100)}` } };
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params });
}

/** Makes `count` calls, some at once; every answer has to be that of its call. */
async function make(count: number, one: (id: number) => Promise<string>): Promise<void> {
  let left = count;
  const work = async (): Promise<void> => {
    while (left-- > 0) {
      const id = ++lastId;
      const answer = await one(id);
      if (!answer.includes(`"${id} xxx`)) throw new Error(`call ${id} was answered with ${answer}`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}
let lastId = 0;

async function costOf(program: Program, one: (id: number) => Promise<string>): Promise<Cost> {
  await make(WARM_UP, one);
  program.kill('SIGUSR2');
  await program.line('stderr', (line) => line === 'counting' || undefined);
  await make(COUNTED, one);
  program.kill('SIGUSR2');
  await program.line('stderr', (line) => line === 'counted' || undefined);
  const { allocated, parses, strings, writes } = JSON.parse(readFileSync(counts, 'utf8'));
  return {
    allocated: allocated / COUNTED,
    parses: parses / COUNTED,
    strings: strings / COUNTED,
    writes: writes / COUNTED,
  };
}

function expectWithin(cost: Cost, budget: Cost): void {
  for (const name of ['allocated', 'parses', 'strings', 'writes'] as const) {
    expect(cost[name], `${name} of ${JSON.stringify(cost)}`).toBeLessThanOrEqual(budget[name]);
  }
  // That the counting itself has stopped working is no cheap call.
  expect(cost.allocated).toBeGreaterThan(1000);
  expect(cost.writes).toBeGreaterThan(0.5);
}

it('a call over Streamable HTTP to a server on stdio', async () => {
  const { program, of } = await startProxy(scope, ['--', process.execPath, ECHO], counting);
  const { mcp } = of('default');
  const session = await RawSession.begin(mcp);
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  const headers = {
    ...session.headers,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  const one = (id: number): Promise<string> =>
    new Promise((resolve, reject) => {
      const body = call(id);
      const sent = request(mcp, {
        method: 'POST',
        agent,
        headers: { ...headers, 'content-length': body.length },
      });
      sent.once('error', reject).once('response', (response) => {
        let text = '';
        response
          .setEncoding('utf8')
          .on('data', (chunk: string) => {
            text += chunk;
          })
          .once('end', () => resolve(text));
      });
      sent.end(body);
    });
  const cost = await costOf(program, one);
  agent.destroy();
  // One write of the answer, and what goes to the server of several calls is written at once.
  expectWithin(cost, { allocated: 20_000, parses: 0, strings: 0, writes: 1.8 });
});

it('a call of a client on stdio to a remote server', async () => {
  const remote = spawn(process.execPath, [ECHO_HTTP, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  scope.add(remote, async (child) => {
    child.kill();
    await once(child, 'close');
  });
  const [url] = await once(createInterface(remote.stdout), 'line');
  const program = scope.add(start(process.execPath, [PROXY, String(url)], counting), end);
  const waiting = new Map<unknown, (line: string) => void>();
  void program
    .line('stdout', (line) => {
      const { id } = JSON.parse(line);
      waiting.get(id)?.(line);
      waiting.delete(id);
    })
    .catch(() => undefined);
  const ask = (id: unknown, text: string): Promise<string> =>
    new Promise((resolve) => {
      waiting.set(id, resolve);
      program.write(`${text}\n`);
    });
  await ask('init', initialize({}));
  program.write('{"jsonrpc":"2.0","method":"notifications/initialized"}\n');
  const cost = await costOf(program, (id) => ask(id, call(id)));
  expectWithin(cost, { allocated: 23_000, parses: 0, strings: 0, writes: 1.8 });
});
