/** Servers and clients that call themselves what a browser could run. */
import type { BrowserContext } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { endSessions, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { guards } from '../security.js';
import { expectClean, forPage, look, openDetails, servers } from './looker.js';

const HOSTILE = '"><img src=x onerror=alert(1)><script>alert(2)</script>\u202etxt\u0007{{7*7}}';
/** The same as it is shown. */
const SHOWN = HOSTILE.replace('\u202e', '\\u202e').replace('\u0007', '\\u0007');

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
  `${guards('page.text')} what others say is text, and what is invisible in it is seen${WHY_LEFT_OUT}`,
  async () => {
    const options = servers(scope, {
      '"><img src=x onerror=alert(3)>': forPage({}, HOSTILE),
      broken: forPage({ env: { FAILS: '1' } }, HOSTILE),
    });
    const { url, of } = await startProxy(scope, options);
    const { mcp } = of('"><img src=x onerror=alert(3)>');
    const session = await RawSession.begin(mcp, { clientName: HOSTILE });
    for (const method of ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list']) {
      await (await session.post({ id: method, method })).text();
    }
    const looker = await look(browser, url);
    const { page } = looker;
    const dialogs: string[] = [];
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message());
      void dialog.dismiss();
    });
    await page.getByText('Tools (5)').waitFor();
    await openDetails(page);
    const text = await page.locator('main').innerText();
    for (const whose of ['server', 'tool', 'describes', 'prompt', 'title'])
      expect(text).toContain(`${whose} ${SHOWN}`);
    expect(text).toContain(`file:///${SHOWN}`);
    expect(text).toContain('stderr says "><img src=x onerror=alert(1)>');
    await looker.tab('Sessions');
    await page.getByText(SHOWN.slice(0, 50)).first().waitFor();
    await looker.tab('Connect');
    await page.getByText('claude mcp add').waitFor();
    expect(await page.locator('pre').allInnerTexts()).toEqual(
      expect.arrayContaining([expect.stringContaining('http img-src-x-onerror-alert-3 ')]),
    );
    const elements = await page.evaluate(
      () => document.querySelectorAll('img, iframe, object, body script + script').length,
    );
    expect(elements).toBe(0);
    expect(dialogs).toEqual([]);
    expectClean(looker, url);
    // That nothing would have become HTML in any case is kept by the browser.
    const refusal = await page.evaluate(() => {
      try {
        document.body.insertAdjacentHTML('beforeend', '<p>x</p>');
        return 'inserted';
      } catch (error) {
        return String(error);
      }
    });
    expect(refusal).toContain('TrustedHTML');
  },
  120_000,
);
