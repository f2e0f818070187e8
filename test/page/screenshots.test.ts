/** The pictures of the README, made with MCP_PROXY_SCREENSHOTS=1. */
import { mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { startProxy } from '../e2e/harness/proxy.js';
import { endSessions, RawSession } from '../e2e/harness/raw-session.js';
import { Scope } from '../e2e/harness/scope.js';
import { startChromium, WHY_LEFT_OUT } from '../fixtures/chromium.js';
import { look, servers } from './looker.js';

const IMAGES = join(import.meta.dirname, '../../docs/images');
const MAX_OCTETS = 150_000;
const EVERYTHING = join(
  import.meta.dirname,
  '../../node_modules/@modelcontextprotocol/server-everything/dist/index.js',
);
const isWanted = process.env.MCP_PROXY_SCREENSHOTS === '1' && WHY_LEFT_OUT === '';

const scope = new Scope();
afterAll(async () => {
  await endSessions();
  await scope.end();
});

test.skipIf(!isWanted)(
  'pictures of the page',
  async () => {
    mkdirSync(IMAGES, { recursive: true });
    const options = servers(scope, {
      everything: { command: process.execPath, args: [EVERYTHING] },
      database: {
        command: process.execPath,
        args: ['-e', 'console.error("DATABASE_URL is not set"); process.exit(3)'],
      },
    });
    const { url, of } = await startProxy(scope, ['--inspect', ...options]);
    const session = await RawSession.begin(of('everything').mcp, { clientName: 'some-agent' });
    for (const method of ['tools/list', 'prompts/list', 'resources/list']) {
      await (await session.post({ id: method, method })).text();
    }
    for (let id = 0; id < 60; id++) {
      const name = id % 15 === 7 ? 'not-there' : 'echo';
      const call = { name, arguments: { message: `call ${id}`, token: 'a secret' } };
      await (await session.post({ id, method: 'tools/call', params: call })).text();
      if (id % 6 === 0) await new Promise((resolve) => setTimeout(resolve, 2000));
    }
    const browser = await startChromium(scope);
    const looker = await look(browser, url);
    const { page } = looker;
    await page.setViewportSize({ width: 900, height: 760 });
    await page.getByText('Tools (13)').waitFor();
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme });
      await looker.tab('Servers');
      await page.screenshot({ path: join(IMAGES, `page-${colorScheme}.png`) });
      await looker.tab('Traffic');
      const row = page.locator('.rows > li').first();
      await row.locator('summary').first().click();
      await row.locator('.tree').first().waitFor();
      await page.screenshot({ path: join(IMAGES, `traffic-${colorScheme}.png`) });
    }
    for (const name of ['page-light', 'page-dark', 'traffic-light', 'traffic-dark']) {
      expect(statSync(join(IMAGES, `${name}.png`)).size).toBeLessThan(MAX_OCTETS);
    }
  },
  180_000,
);
