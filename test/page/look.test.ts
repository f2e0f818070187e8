/** For whom the page is usable: on a phone, in the dark, with the keyboard alone, and who hears it. */
import axe, { type AxeResults } from 'axe-core';
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type StartedProxy, startProxy } from '../e2e/harness/proxy.js';
import { endSessions, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { expectClean, forPage, type Looker, look, openDetails, servers } from './looker.js';

const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
const TABS = ['Servers', 'Sessions', 'Traffic', 'Connect'] as const;
const LONG = 'a-word-that-is-as-long-as-some-names-are-'.repeat(5);

const scope = new Scope();
let browser: BrowserContext;
let proxy: StartedProxy;
beforeAll(async () => {
  if (WHY_LEFT_OUT !== '') return;
  browser = await startChromium(scope);
  const options = servers(scope, { well: forPage({}, LONG), broken: forPage({ env: { FAILS: '1' } }, LONG) });
  proxy = await startProxy(scope, ['--inspect', ...options]);
  const session = await RawSession.begin(proxy.of('well').mcp, { clientName: LONG });
  for (const method of ['tools/list', 'prompts/list', 'no/such']) {
    await (await session.post({ id: method, method })).text();
  }
}, 120_000);
afterAll(async () => {
  await endSessions();
  await scope.end();
});

/** The page, once all that it shows of servers is there. */
async function open(): Promise<Looker> {
  const looker = await look(browser, proxy.url);
  await looker.page.locator('.server.failed').waitFor();
  await looker.page.locator('.server.ready').waitFor();
  return looker;
}

test.skipIf(WHY_LEFT_OUT !== '').each(['light', 'dark'] as const)(
  `in the %s: contrast, names, roles and heads, by the rules of WCAG 2.2 AA${WHY_LEFT_OUT}`,
  async (colorScheme) => {
    const looker = await open();
    const { page } = looker;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.evaluate(axe.source);
    for (const tab of TABS) {
      await looker.tab(tab);
      if (tab === 'Traffic') await page.locator('.rows > li').first().waitFor();
      await openDetails(page);
      const violations = await page.evaluate(async (tags) => {
        // @ts-expect-error: axe is a script that was run above
        const results: AxeResults = await globalThis.axe.run({ runOnly: tags });
        return results.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' ')}`);
      }, RULES);
      expect(violations, tab).toEqual([]);
    }
    expectClean(looker, proxy.url);
    await page.close();
  },
  120_000,
);

test.skipIf(WHY_LEFT_OUT !== '')(
  `on a phone nothing is wider than the screen${WHY_LEFT_OUT}`,
  async () => {
    const looker = await open();
    const { page } = looker;
    await page.setViewportSize({ width: 360, height: 700 });
    for (const tab of TABS) {
      await looker.tab(tab);
      await openDetails(page);
      const wide = await page.evaluate(() =>
        [...document.querySelectorAll('body *')]
          .filter((one) => one.closest('.scrolls, .skip, thead') === null)
          .filter((one) => one.getBoundingClientRect().right > innerWidth + 0.5)
          .map((one) => `${one.tagName}.${one.className}`),
      );
      expect(wide, tab).toEqual([]);
      expect(await page.evaluate(() => document.documentElement.scrollWidth), tab).toBeLessThanOrEqual(360);
    }
    await page.close();
  },
  120_000,
);

test.skipIf(WHY_LEFT_OUT !== '')(
  `by the keyboard alone: each step is seen, tabs go by arrows, and nothing holds the focus${WHY_LEFT_OUT}`,
  async () => {
    const { page } = await open();
    const focused = (): Promise<string> =>
      page.evaluate(() => {
        const one = document.activeElement;
        const { outlineStyle, outlineWidth } = getComputedStyle(one ?? document.body);
        const isSeen = outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2;
        return `${one?.id || one?.tagName}${isSeen ? '' : ' (not seen)'}`;
      });
    await page.keyboard.press('Tab');
    expect(await page.evaluate(() => document.activeElement?.textContent)).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    expect(await page.evaluate(() => document.activeElement?.id)).toBe('main');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('tab-servers');
    await page.keyboard.press('ArrowLeft');
    expect(await focused()).toBe('tab-connect');
    await page.getByText('claude mcp add').waitFor();
    await page.keyboard.press('Home');
    await page.keyboard.press('ArrowRight');
    expect(await focused()).toBe('tab-sessions');
    await page.keyboard.press('Home');
    expect(await focused()).toBe('tab-servers');
    await page.keyboard.press('Tab');
    expect(await focused()).toBe('panel');
    const passed: string[] = [];
    for (let steps = 0; steps < 100; steps++) {
      await page.keyboard.press('Tab');
      const now = await focused();
      if (now.startsWith('BODY')) break;
      passed.push(now);
    }
    expect(passed.filter((one) => one === 'SUMMARY').length).toBeGreaterThan(3);
    expect(passed.filter((one) => one.includes('not seen'))).toEqual([]);
    expect(passed.length).toBeLessThan(100);
    await page.close();
  },
  120_000,
);
