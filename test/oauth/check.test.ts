/** `mcp-proxy check` of a server that people sign in to: nobody is asked, and what is kept of a sign-in is used. */
import { afterEach, expect, it } from 'vitest';
import type { Report } from '../../src/check/report.js';
import { end, start } from '../e2e/harness/processes.js';
import { PROXY } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { Person, startProtected } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

async function check(person: Person, url: string): Promise<Report> {
  const args = [PROXY, 'check', '--json', url];
  const program = scope.add(start(process.execPath, args, { env: person.env }), end);
  await program.ended;
  return JSON.parse(program.stdout());
}

it('opens no browser, registers nobody, and says how to sign in', async () => {
  const server = await startProtected(scope);
  const person = new Person(scope);
  const { ok, servers } = await check(person, server.mcp);
  expect(ok).toBe(false);
  expect(servers).toMatchObject([
    { verdict: 'needs-sign-in', remedy: expect.stringContaining(`mcp-proxy ${server.mcp} opens a browser`) },
  ]);
  expect(person.windows()).toEqual([]);
  expect(await server.seen()).toMatchObject({ authorizations: 0, registrations: 0, tokens: [] });
});

it('uses the sign-in that is kept, renews it, and asks nobody where it is good no more', async () => {
  const server = await startProtected(scope);
  const person = new Person(scope);
  await person.start(server.mcp).begin();
  expect(await check(person, server.mcp)).toMatchObject({ ok: true, servers: [{ verdict: 'ok' }] });
  await server.tell('revoke');
  expect(await check(person, server.mcp)).toMatchObject({ ok: true });
  await server.tell('forget');
  expect(await check(person, server.mcp)).toMatchObject({
    ok: false,
    servers: [{ verdict: 'needs-sign-in' }],
  });
  expect(person.windows()).toHaveLength(1);
});
