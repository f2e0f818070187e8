import { childProcess } from '../builtins.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** How the system opens a URL: a program and its arguments before the URL. Undefined: there is no browser. */
export function browserCommand(
  env: Environment,
  platform: NodeJS.Platform,
): readonly [string, ...string[]] | undefined {
  const own = env.BROWSER?.trim() ?? '';
  if (own.toLowerCase() === 'none') return undefined;
  if (own !== '') return [own];
  if (platform === 'darwin') return ['open'];
  if (platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  // Without a screen there is at most a browser in a terminal, and that is not ours.
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
}

/** A program that ends with an error in this time (ms) has opened nothing; most end at once, some stay. */
const OPENING = 2_000;

/**
 * Opens a URL in the person's browser. No shell is started: the URL is another server's words.
 *
 * @returns whether it was opened, as far as that can be seen
 */
export function openBrowser([program, ...args]: readonly [string, ...string[]], url: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const child = childProcess().spawn(program, [...args, url.href], {
      stdio: 'ignore',
      detached: true,
      windowsHide: true,
    });
    child.unref();
    const timer = setTimeout(() => resolve(true), OPENING);
    const settle = (isOpen: boolean): void => {
      clearTimeout(timer);
      resolve(isOpen);
    };
    child.once('error', () => settle(false)); // there is no such program, or this user may not start it
    child.once('exit', (code) => settle(code === 0));
  });
}
