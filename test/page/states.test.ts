/** What the page shows of servers and sessions, against what really happens to them. */
import type { BrowserContext } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { endSessions, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { expectClean, forPage, look, servers } from './looker.js';

const scope = new Scope();
let browser: BrowserContext;
beforeAll(async () => {
  if (WHY_LEFT_OUT === '') browser = await startChromium(scope);
});
afterEach(endSessions);
afterAll(() => scope.end());

test.skipIf(WHY_LEFT_OUT !== '')(
  `servers, those that failed first, with the reason${WHY_LEFT_OUT}`,
  async () => {
    const options = servers(scope, {
      well: forPage(),
      broken: forPage({ env: { FAILS: '1' } }, 'what is missing'),
    });
    const { url, of } = await startProxy(scope, options);
    await RawSession.begin(of('well').mcp);
    const looker = await look(browser, url);
    const { page } = looker;
    await page.locator('.server.failed').waitFor();
    await page.locator('.server.ready').waitFor();
    expect(await page.locator('.server h2').allInnerTexts()).toEqual(['broken ✗ failed', 'well ✓ ready']);
    const broken = page.getByRole('region', { name: 'Server broken' });
    expect(await broken.locator('.reason').innerText()).toContain('exit code 3');
    expect(await broken.innerText()).toContain('stderr says what is missing');
    expect(await page.title()).toBe('✗ 1 failed – mcp-proxy');
    const well = page.getByRole('region', { name: 'Server well', exact: true });
    const status = await (await fetch(`${url}/status`)).json();
    const row = well.locator('tbody tr').first();
    expect(await row.innerText()).toContain(String(status.servers[0].processes[0].pid));
    expect(await row.innerText()).toContain('2025-11-25');
    if (process.platform === 'linux') expect(await row.innerText()).toMatch(/[\d.]+ MiB/);
    expect(await well.innerText()).toContain('server plain 1.0');
    expect(await well.innerText()).toContain('legacy (with sessions)');
    expectClean(looker, url);
  },
);

test.skipIf(WHY_LEFT_OUT !== '')(
  `what happens while somebody looks is shown without a reload${WHY_LEFT_OUT}`,
  async () => {
    const { url, of } = await startProxy(scope, servers(scope, { one: forPage() }));
    const looker = await look(browser, url);
    const { page } = looker;
    const card = page.getByRole('region', { name: 'Server one', exact: true });
    await card.getByText('not known yet').first().waitFor();

    const session = await RawSession.begin(of('one').mcp, { clientName: 'live-client' });
    await card.getByText('server plain 1.0').waitFor();
    const first = await card.locator('tbody th').first().innerText();

    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
      await (await session.post({ id: method, method })).text();
    }
    await card.getByText('Tools (5)').click();
    await card.getByText('describes plain').first().waitFor();
    await (
      await session.post({ id: 1, method: 'tools/call', params: { name: 'fail', arguments: {} } })
    ).text();
    await (await session.post({ id: 2, method: 'no/such' })).text();
    await card.getByText('2 errors').waitFor();
    expect(
      await card.getByRole('img', { name: /Server one: \d+ requests in 15 min, 2 errors/ }).count(),
    ).toBe(1);

    // What is opened stays open, also over the end of a process.
    void session.post({ id: 4, method: 'tools/call', params: { name: 'die', arguments: {} } });
    await card.getByText(/ended \d+ s ago/).waitFor();
    await card.locator('tbody th', { hasNotText: first }).first().waitFor();
    await card.locator('.facts', { hasText: /Restarts\s*1/ }).waitFor();
    expect(await card.getByText('describes plain').first().isVisible()).toBe(true);
    await looker.tab('Sessions');
    const row = page.getByRole('row', { name: /live-client 1/ });
    await row.waitFor();
    void session.post({ id: 3, method: 'tools/call', params: { name: 'wait', arguments: {} } });
    await row.locator('td[data-head="In flight"]', { hasText: /^1$/ }).waitFor();
    expect(await page.evaluate(() => performance.getEntriesByType('navigation').length)).toBe(1);
    expectClean(looker, url);
  },
);

test.skipIf(WHY_LEFT_OUT !== '')(
  `a proxy that is gone is told, and what was known stays${WHY_LEFT_OUT}`,
  async () => {
    const { url, program } = await startProxy(scope, servers(scope, { one: forPage() }));
    const { page } = await look(browser, url);
    await page.getByRole('region', { name: 'Server one' }).waitFor();
    program.kill('SIGTERM');
    await program.ended;
    await page.getByText('The proxy does not answer.').waitFor();
    expect(await page.getByRole('region', { name: 'Server one' }).count()).toBe(1);
  },
);

test.skipIf(WHY_LEFT_OUT !== '')(
  `behind a prefix, with and without a slash at its end, and at /status${WHY_LEFT_OUT}`,
  async () => {
    const { url } = await startProxy(scope, servers(scope, { one: forPage() }));
    // What a reverse proxy does that takes the prefix off.
    await browser.route(/\/tools(\/|$)/, (route) => {
      const to = route
        .request()
        .url()
        .replace(/\/tools\/?/, '/');
      return route.fetch({ url: to }).then((response) => route.fulfill({ response }));
    });
    for (const path of ['/tools', '/tools/', '/tools/status', '/status', '/status/']) {
      const looker = await look(browser, url + path);
      await looker.page.getByRole('region', { name: 'Server one' }).waitFor();
      await looker.tab('Connect');
      const prefix = path.startsWith('/tools') ? '/tools' : '';
      await looker.page.getByText(`add --transport http one ${url}${prefix}/servers/one/mcp`).waitFor();
      expectClean(looker, url);
      await looker.page.close();
    }
  },
);
