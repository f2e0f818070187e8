/** The messages that pass, as they are seen on the page. */
import { readFileSync } from 'node:fs';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { endSessions, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { expectClean, forPage, look, openDetails, servers } from './looker.js';

const HOSTILE = '"><img src=x onerror=alert(1)>\u202e';

const scope = new Scope();
let browser: BrowserContext;
beforeAll(async () => {
  if (WHY_LEFT_OUT === '') browser = await startChromium(scope);
}, 120_000);
afterAll(async () => {
  await endSessions();
  await scope.end();
});

test.skipIf(WHY_LEFT_OUT !== '')(
  `messages come as they pass, are filtered, opened and exported${WHY_LEFT_OUT}`,
  async () => {
    const options = servers(scope, { one: forPage({ env: { HIDDEN: 'canary-of-env' } }), two: forPage() });
    const { url, of } = await startProxy(scope, ['--inspect', ...options]);
    const looker = await look(browser, `${url}/#traffic`);
    const { page } = looker;
    await page.getByText('Nothing has passed that is wanted here.').waitFor();

    const one = await RawSession.begin(of('one').mcp, { clientName: 'first-client' });
    const two = await RawSession.begin(of('two').mcp, { clientName: HOSTILE });
    const call = async (session: RawSession, id: unknown, args: object): Promise<void> => {
      await (
        await session.post({ id, method: 'tools/call', params: { name: 'echo', arguments: args } })
      ).text();
    };
    await call(one, 1, { word: 'needle', env: 'canary-of-env', password: 'canary-password' });
    await call(two, 2, { word: HOSTILE });
    await (await two.post({ id: 3, method: 'no/such' })).text();
    const rows = page.locator('.rows > li');
    await rows.filter({ hasText: 'no/such' }).waitFor();
    await page.getByText('7 rows').waitFor();
    expect(await rows.first().innerText()).toMatch(/no\/such failed in [\d.]+ m?s/);

    await page.getByLabel('Errors only').check();
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByLabel('Errors only').uncheck();
    await page.getByLabel('Method').fill('TOOLS/');
    await page.getByText('2 rows').waitFor();
    await page.getByLabel('Client or session').fill('first');
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByLabel('Client or session').fill('');
    await page.getByLabel('Text').fill('needle');
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByLabel('Text').fill('canary');
    await page.getByText('0 rows').waitFor();
    await page.getByLabel('Text').fill('');
    await page.getByLabel('Server').selectOption('two');
    await page.getByText('1 row', { exact: true }).waitFor();
    await page.getByLabel('Server').selectOption('');

    await page.getByLabel('Text').fill('needle');
    await rows.first().locator('summary').first().click();
    const tree = rows.first().locator('.tree');
    await tree.first().waitFor();
    await openDetails(page);
    expect(await tree.first().innerText()).toMatch(
      /params:[\s\S]*arguments:[\s\S]*word: needle[\s\S]*password: \*\*\*/,
    );
    expect(await page.content()).not.toContain('canary');

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export as JSON Lines' }).click(),
    ]);
    const lines = readFileSync(await download.path(), 'utf8')
      .trimEnd()
      .split('\n');
    const exported = lines.map((line) => JSON.parse(line));
    expect(exported.map(({ kind, server, of: ends }) => [kind, server, ends])).toEqual([
      ['request', 'one', null],
      ['response', 'one', exported[0].number],
    ]);
    expect(lines.join('\n')).not.toContain('canary');

    await page.getByLabel('Text').fill('onerror');
    await page.getByText('1 row', { exact: true }).waitFor();
    await openDetails(page);
    await page.getByText('word: "><img src=x onerror=alert(1)>\\u202e').first().waitFor();
    expect(await page.locator('img').count()).toBe(0);

    await page.getByLabel('Text').fill('');
    await page.getByRole('button', { name: 'Pause' }).click();
    await call(one, 4, {});
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText('3 rows').waitFor();
    expectClean(looker, url);
  },
  120_000,
);
