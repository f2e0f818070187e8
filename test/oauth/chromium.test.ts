/** A person signs in with a real browser. Where there is none, this is left out. */
import { afterEach, expect, test } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { Person, startProtected } from './harness/protected.js';

const scope = new Scope();
afterEach(() => scope.end());

test.skipIf(WHY_LEFT_OUT !== '')(
  `Chromium signs in, and is told that it may be closed${WHY_LEFT_OUT}`,
  async () => {
    const server = await startProtected(scope, { NO_DEVICE: '1' });
    const client = new Person(scope).start(server.mcp, ['--no-browser']);
    const initialized = client.begin();
    const url = await client.program.line('stderr', (line) => /on this machine: (http\S+)/.exec(line)?.[1]);
    const browser = await startChromium(scope);
    const page = await browser.newPage();
    await page.goto(url);
    await page.fill('input[name=login]', 'somebody');
    await page.fill('input[name=password]', 'any');
    await page.click('button[type=submit]');
    await page.waitForSelector('input[name=prompt][value=consent]', { state: 'attached' });
    await page.click('button[type=submit]');
    await page.waitForURL(/127\.0\.0\.1:\d+\/callback/);
    expect(await page.textContent('h1')).toBe('You are signed in');
    expect(await page.evaluate(() => document.body.innerText)).not.toContain('code');
    expect((await initialized).result).toBeDefined();
  },
  120_000,
);
