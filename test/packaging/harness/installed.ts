/** The package as npm would publish it, installed in a folder of its own. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ROOT } from './dockerfile.js';

/** All that stands in the package's folder. */
export const PUBLISHED = ['LICENSE', 'README.md', 'bin', 'dist', 'package.json', 'schema'];

export interface Installed {
  /** A project that has the package. */
  readonly project: string;
  /** With this, `mcp-proxy` and what `npx` is asked for are found in the project; nothing is fetched. */
  readonly env: Readonly<Record<string, string>>;
  remove(): void;
}

/** Takes some seconds. The build in dist is what is packed. */
export function installPackage(): Installed {
  const project = realpathSync(mkdtempSync(join(tmpdir(), 'mcp-proxy-')));
  const packed = npm(['pack', '--ignore-scripts', '--json', '--pack-destination', project], ROOT);
  const [{ filename }] = JSON.parse(packed);
  writeFileSync(join(project, 'package.json'), '{ "type": "module" }');
  npm(['install', '--offline', '--omit=optional', '--ignore-scripts', join(project, filename)], project);
  const bins = [join(project, 'node_modules/.bin'), join(ROOT, 'node_modules/.bin')];
  return {
    project,
    env: {
      PATH: [...bins, process.env.PATH ?? ''].join(delimiter),
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    },
    remove: () => rmSync(project, { recursive: true }),
  };
}

function npm(args: readonly string[], cwd: string): string {
  return execFileSync('npm', args, { cwd, encoding: 'utf8' });
}
