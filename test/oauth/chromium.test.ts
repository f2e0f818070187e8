/** A person signs in with a real browser. Where there is none, this is left out: it needs /usr/bin/chromium. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { afterEach, expect, test } from 'vitest';
import { Scope } from '../e2e/harness/scope.js';
import { Person, startProtected } from './harness/protected.js';

const CHROMIUM = '/usr/bin/chromium';
const ARGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const scope = new Scope();
afterEach(() => scope.end());

const why = existsSync(CHROMIUM) ? '' : ` (left out: there is no ${CHROMIUM})`;

test.skipIf(why !== '')(
  `Chromium signs in, and is told that it may be closed${why}`,
  async () => {
    const server = await startProtected(scope, { NO_DEVICE: '1' });
    const client = new Person(scope).start(server.mcp, ['--no-browser']);
    const initialized = client.begin();
    const url = await client.program.line('stderr', (line) => /on this machine: (http\S+)/.exec(line)?.[1]);
    const directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-chromium-'));
    scope.add(directory, async () => rmSync(directory, { recursive: true, force: true }));
    const browser = await chromium.launchPersistentContext(directory, {
      executablePath: CHROMIUM,
      headless: true,
      args: ARGS,
    });
    scope.add(browser, () => browser.close());
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
