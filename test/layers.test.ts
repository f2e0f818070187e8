import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

/** The layers of docs/architecture.md, the highest first. A file imports from its own layer and those below. */
const LAYERS: readonly (readonly string[])[] = [
  ['cli'],
  ['index.ts', 'library'],
  ['proxy.ts', 'ending.ts', 'client.ts', 'sign-in.ts'],
  ['http'],
  ['sessions'],
  ['check'],
  ['servers', 'upstream'],
  ['transports'],
  ['auth', 'oauth'],
  ['process', 'remote'],
  ['config', 'observability', 'version.ts', 'clock.ts', 'seal.ts'],
  ['builtins.ts'],
  ['eras'],
  ['relay'],
  ['jsonrpc', 'observability/events.ts'],
  ['page'],
];
const TRANSPORTS = /^transports\/([^/]+)\//;

const src = fileURLToPath(new URL('../src', import.meta.url));

function layerOf(file: string): number {
  let best = -1;
  let length = -1;
  LAYERS.forEach((prefixes, layer) => {
    for (const prefix of prefixes) {
      const inside = file === prefix || file.startsWith(`${prefix}/`);
      if (inside && prefix.length > length) {
        best = layer;
        length = prefix.length;
      }
    }
  });
  return best;
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(src, file), 'utf8');
  return [...text.matchAll(/(?:from|import\()\s*'(\.[^']+)'/g)].map(([, specifier = '']) =>
    relative(src, resolve(dirname(join(src, file)), specifier)).replace(/\.js$/, '.ts'),
  );
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => /\.tsx?$/.test(file));

describe('layers', () => {
  it('has a layer for every file', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  });

  it('imports go downwards only', () => {
    const upward = files.flatMap((file) =>
      importsOf(file)
        .filter((imported) => layerOf(imported) < layerOf(file))
        .map((imported) => `${file} imports ${imported}`),
    );
    expect(upward).toEqual([]);
  });

  it('the page is a program of its own, which others know by what it is told only', () => {
    const known = files
      .filter((file) => !file.startsWith('page/'))
      .flatMap(importsOf)
      .filter((imported) => imported.startsWith('page/'));
    expect([...new Set(known)]).toEqual(['page/live.ts']);
  });

  it('transports do not know each other', () => {
    const across = files.flatMap((file) => {
      const own = TRANSPORTS.exec(file)?.[1];
      return importsOf(file)
        .filter((imported) => own !== undefined && (TRANSPORTS.exec(imported)?.[1] ?? own) !== own)
        .map((imported) => `${file} imports ${imported}`);
    });
    expect(across).toEqual([]);
  });
});
