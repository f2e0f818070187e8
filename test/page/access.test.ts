/** Who sees what on the page, where somebody has to say who they are. */
import { randomBytes } from 'node:crypto';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { guards } from '../security.js';
import { expectClean, forPage, look, servers } from './looker.js';

const scope = new Scope();
let browser: BrowserContext;
beforeAll(async () => {
  if (WHY_LEFT_OUT === '') browser = await startChromium(scope);
});
afterAll(() => scope.end());

test.skipIf(WHY_LEFT_OUT !== '')(
  `${guards('page.key')} the page asks for the key, sends it in a header, and forgets it${WHY_LEFT_OUT}`,
  async () => {
    const key = randomBytes(16).toString('hex');
    const options = servers(scope, { hers: forPage(), his: forPage({ access: { keys: ['bob'] } }) });
    const { url } = await startProxy(scope, options, {
      env: { MCP_PROXY_API_KEYS: `ann:${key}\nbob:${randomBytes(16).toString('hex')}` },
    });
    const looker = await look(browser, url);
    const { page } = looker;
    const field = page.getByLabel('Key or token');
    await field.waitFor();
    expect(await page.content()).not.toContain('hers');

    await field.fill('a key of nobody');
    await field.press('Enter');
    await page.getByText('This key or token is not good here.').waitFor();

    await field.fill(key);
    await field.press('Enter');
    await page.getByRole('region', { name: 'Server hers' }).waitFor();
    expect(await page.getByText('his', { exact: true }).count()).toBe(0);
    expect(await page.locator('header').innerText()).toContain('you are ann');
    expect(looker.requests.filter((request) => request.url().includes(key))).toEqual([]);
    const kept = await page.evaluate(async () => [
      JSON.stringify(sessionStorage),
      JSON.stringify(localStorage),
      document.cookie,
      location.href,
      document.documentElement.outerHTML,
    ]);
    expect(kept.filter((text) => text.includes(key))).toEqual([]);
    await looker.tab('Connect');
    await page.getByText('Authorization: Bearer YOUR_KEY').waitFor();
    expect(await page.content()).not.toContain(key);
    // That nobody was known at first is no complaint.
    const complaints = looker.complaints.filter((text) => !text.includes('401 (Unauthorized)'));
    expectClean({ ...looker, complaints }, url);

    await page.reload();
    await field.waitFor();
    expect(await page.content()).not.toContain('hers');
  },
);
