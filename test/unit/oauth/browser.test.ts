import { describe, expect, it } from 'vitest';
import { browserCommand, openBrowser } from '../../../src/oauth/browser.js';
import { guards } from '../../security.js';

const URL_ = new URL('https://a.example/?x=$(id)&y=`id`');

describe('how a URL is opened', () => {
  it.each([
    ['on macOS', {}, 'darwin', ['open']],
    ['on Windows', {}, 'win32', ['rundll32', 'url.dll,FileProtocolHandler']],
    ['on Linux with a screen', { DISPLAY: ':0' }, 'linux', ['xdg-open']],
    ['under Wayland', { WAYLAND_DISPLAY: 'w' }, 'linux', ['xdg-open']],
    ['without a screen', {}, 'linux', undefined],
    ['by a program of the person’s own', { BROWSER: '/opt/my browser' }, 'linux', ['/opt/my browser']],
    ['not at all', { BROWSER: 'none', DISPLAY: ':0' }, 'linux', undefined],
  ] as const)('%s', (_, env, platform, command) => {
    expect(browserCommand(env, platform)).toEqual(command);
  });

  it(`${guards('oauth.words')} the URL is one word, and no shell reads it`, async () => {
    const script = `process.exit(process.argv[1] === ${JSON.stringify(URL_.href)} && process.argv.length === 2 ? 0 : 1)`;
    expect(await openBrowser([process.execPath, '-e', script], URL_)).toBe(true);
  });

  it('a program that fails or is not there has opened nothing', async () => {
    expect(await openBrowser([process.execPath, '-e', 'process.exit(3)'], URL_)).toBe(false);
    expect(await openBrowser(['/no/such/program'], URL_)).toBe(false);
  });
});
