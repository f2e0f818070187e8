/** Fifty clients of both eras at once on one server: nobody sees another's question, progress or log line. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Progress } from './cases/case.js';
import { type Json, type Target, TestClient } from './harness/client.js';
import { SDKS } from './harness/paths.js';
import { MODERN_SERVER, startProxy } from './harness/proxy.js';
import { Scope } from './harness/scope.js';
import { connectV2 } from './harness/sdk-v2.js';

const CROWD = [process.execPath, join(import.meta.dirname, '../fixtures/servers/legacy-crowd.mjs')];
const EACH = 25;
const ALL = 2 * EACH;
const ROUNDS = 2;
const LOG_LEVEL = 'io.modelcontextprotocol/logLevel';

/** One of many, and all that it has seen. */
interface Member {
  readonly name: string;
  readonly client: TestClient;
  readonly asked: string[];
  readonly era: 'legacy' | 'modern';
}

async function joined(name: string, era: Member['era'], n: number, urls: Urls): Promise<Member> {
  const asked: string[] = [];
  const [, connect] = era === 'modern' ? ['', connectV2] : (SDKS[n % SDKS.length] ?? ['', connectV2]);
  const kind = era === 'legacy' && n % 4 > 1 ? 'sse' : 'streamable';
  const target: Target = { kind, url: kind === 'sse' ? urls.sse : urls.mcp };
  const client = await TestClient.connect(connect, target, {
    name: 'crowd',
    era,
    capabilities: { elicitation: { form: {} } },
    answers: {
      'elicitation/create': ({ message }) => {
        asked.push(String(message));
        return { action: 'accept', content: { said: `${name} was asked: ${message}` } };
      },
    },
  });
  if (era === 'legacy') await client.request('logging/setLevel', { level: 'debug' });
  return { name, client, asked, era };
}

interface Urls {
  readonly mcp: string;
  readonly sse: string;
}

async function crowd(urls: Urls): Promise<Member[]> {
  const members = Array.from({ length: EACH }, (_, n) =>
    (['legacy', 'modern'] as const).map((era) => joined(`${era}-${n}`, era, n, urls)),
  );
  return Promise.all(members.flat());
}

/** Calls a tool in a member's name; what it answers, and the texts of the progress that was heard. */
async function call(member: Member, tool: string, args: Json): Promise<{ result: Json; progress: string[] }> {
  const progress = new Progress();
  const _meta = member.era === 'modern' ? { [LOG_LEVEL]: 'debug' } : {};
  const params = { name: tool, arguments: args, _meta };
  const { structuredContent } = await member.client.request('tools/call', params, {
    progress: progress.push,
  });
  const texts = progress.heard.map(({ message }) => String(message));
  // SDK v2 counts the rounds of a modern client as progress too.
  return {
    result: structuredContent as Json,
    progress: texts.filter((text) => !text.startsWith('Fulfilling input required')),
  };
}

const textsOf = (name: string) => Array.from({ length: ROUNDS }, (_, n) => `${name} ${n + 1}`);
const answersOf = (name: string) => textsOf(name).map((text) => `${name} was asked: ${text}`);
const logsOf = ({ client }: Member) => client.left('notifications/message').map(({ data }) => String(data));

function expectOwn({ name, asked }: Member, seen: readonly string[]): void {
  const own = textsOf(name);
  for (const text of [...asked, ...seen]) expect(own).toContain(text);
}

describe.each(['auto', 'shared'])('a server of the legacy era, sharing %s', (sharing) => {
  const scope = new Scope();
  let members: Member[];

  beforeAll(async () => {
    const proxy = await startProxy(scope, ['--sharing', sharing, '--', ...CROWD]);
    members = await crowd(proxy.of('default'));
    scope.add(members, (all) => Promise.all(all.map(({ client }) => client.close())));
  });
  afterAll(() => scope.end());

  it('all at once', async () => {
    // Each has its own process with `auto`: the calls of one process cannot wait for those of others.
    const gate = sharing === 'shared' ? ALL : 1;
    const worked = await Promise.all(
      members.map((member) => call(member, 'work', { name: member.name, rounds: ROUNDS, gate })),
    );
    for (const [n, member] of members.entries()) {
      const { result, progress } = worked[n] ?? { result: {}, progress: [] };
      expect(result.name).toBe(member.name);
      expectOwn(member, [...progress, ...logsOf(member)]);
      if (sharing === 'auto') {
        expect(progress).toEqual(textsOf(member.name));
        expect(result.answers).toEqual(answersOf(member.name));
        expect(member.asked).toEqual(textsOf(member.name));
        expect(logsOf(member)).toEqual(textsOf(member.name));
        continue;
      }
      // Whose question it is nobody can know, so that nobody is asked: in words, and never another. (Without a
      // question in between, the last progress stands right before the answer, where SDKs may drop it.)
      for (const [round, answer] of (result.answers as unknown[]).entries()) {
        if (typeof answer === 'string') expect(answer).toBe(answersOf(member.name)[round]);
        else expect(answer).toMatchObject({ refused: expect.stringContaining('several clients') });
      }
    }
  });

  it('one after the other, each is asked', async () => {
    for (const member of members) {
      member.asked.length = 0;
      const { result, progress } = await call(member, 'work', { name: member.name, rounds: ROUNDS });
      expect(result).toEqual({ name: member.name, answers: answersOf(member.name) });
      expect(progress).toEqual(textsOf(member.name));
    }
    for (const member of members) expectOwn(member, logsOf(member));
  });
});

describe('a server of the modern era', () => {
  const scope = new Scope();
  let members: Member[];

  beforeAll(async () => {
    const proxy = await startProxy(scope, ['--', ...MODERN_SERVER]);
    members = await crowd(proxy.of('default'));
    scope.add(members, (all) => Promise.all(all.map(({ client }) => client.close())));
  });
  afterAll(() => scope.end());

  it('all at once', async () => {
    const worked = await Promise.all(
      members.map(async (member) => {
        const questions = textsOf(member.name).map((message) => ({
          method: 'elicitation/create',
          params: { mode: 'form', message, requestedSchema: { type: 'object', properties: {} } },
        }));
        const { result, progress } = await call(member, 'ask', { questions, rounds: ROUNDS });
        await call(member, 'log', { levels: ['warning'], data: `${member.name} 1` });
        return { result, progress };
      }),
    );
    expect(
      new Set(await Promise.all(members.map(async (one) => (await call(one, 'who', {})).result.pid))).size,
    ).toBe(1);
    for (const [n, member] of members.entries()) {
      const { result, progress } = worked[n] ?? { result: {}, progress: [] };
      const said = answersOf(member.name).map((text) => ({ result: { content: { said: text } } }));
      expect(result.answers).toMatchObject([...said, ...said]);
      expect(progress).toEqual(['Frage 1', 'Frage 2']);
      expectOwn(member, logsOf(member));
      expect(member.asked.toSorted()).toEqual([...textsOf(member.name), ...textsOf(member.name)].toSorted());
    }
  });
});
