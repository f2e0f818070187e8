/** Somebody who looks at the page, and takes note of what the browser does for it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page, Request } from 'playwright-core';
import { expect } from 'vitest';

import type { Scope } from '../e2e/harness/scope.js';

/** The fixture server of these tests, as words of a command. */
const FOR_PAGE = [process.execPath, join(import.meta.dirname, '../fixtures/servers/for-page.mjs')] as const;

export interface Looker {
  readonly page: Page;
  readonly requests: readonly Request[];
  /** What the browser complains of: errors, and what a policy forbids. */
  readonly complaints: readonly string[];
  /** Chooses a tab by its title's beginning. */
  tab(title: string): Promise<void>;
}

/** Opens the page. What the browser tells is not all there before something on the page was waited for. */
export async function look(browser: BrowserContext, url: string): Promise<Looker> {
  const page = await browser.newPage();
  const requests: Request[] = [];
  const complaints: string[] = [];
  page.on('request', (request) => requests.push(request));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  await page.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
      console.error(`policy: ${violatedDirective} ${blockedURI}`),
    );
  });
  await page.goto(url);
  return {
    page,
    requests,
    complaints,
    tab: (title) => page.getByRole('tab', { name: new RegExp(`^${title}`) }).click(),
  };
}

/** Nothing was loaded but from the proxy, and the browser had nothing to complain of. */
export function expectClean({ requests, complaints }: Looker, url: string): void {
  const elsewhere = requests
    .map((request) => request.url())
    .filter((one) => !one.startsWith(`${new URL(url).origin}/`) && !one.startsWith('data:'));
  expect(elsewhere).toEqual([]);
  expect(complaints).toEqual([]);
}

/** The options that name a server with some environment, in a file. */
export function servers(scope: Scope, of: Readonly<Record<string, object>>): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'mcp-proxy-page-'));
  scope.add(folder, async () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'servers.json');
  writeFileSync(file, JSON.stringify({ mcpServers: of }));
  return ['--named-server-config', file];
}

/** A definition of the fixture server, which says that text. */
export function forPage(more: object = {}, says?: string): object {
  const [command, ...args] = FOR_PAGE;
  return { command, args: says === undefined ? args : [...args, says], ...more };
}

/** Opens all that can be opened: their number may change while somebody looks. */
export async function openDetails(page: Page): Promise<void> {
  await page.evaluate(() => {
    for (const one of document.querySelectorAll('details')) one.open = true;
  });
}
