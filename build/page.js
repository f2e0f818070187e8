/**
 * The page as a module, for the build and for the tests: its script and its style are bundled and stand in one HTML
 * document, which the policy of its answer knows by their digests. Nothing is looked up when the proxy runs.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { rolldown } from 'rolldown';

const NAME = 'virtual:page';
const FOLDER = join(import.meta.dirname, '../src/page');

export function page() {
  const modules = [];
  return {
    name: 'page',
    /** The modules of others that are in it. */
    modules,
    resolveId: (id) => (id === NAME ? `\0${NAME}` : null),
    async load(id) {
      if (id !== `\0${NAME}`) return null;
      const script = await scriptOf(modules);
      const style = readFileSync(join(FOLDER, 'page.css'), 'utf8').replace(/\n\s*/g, '\n').trim();
      const html = readFileSync(join(FOLDER, 'page.html'), 'utf8')
        // A function, because a text would have `$&` in it replaced.
        .replace('/*style*/', () => style)
        .replace('/*script*/', () => script);
      return [
        `export const html = ${JSON.stringify(html)};`,
        `export const digests = ${JSON.stringify({ script: digest(script), style: digest(style) })};`,
      ].join('\n');
    },
  };
}

async function scriptOf(modules) {
  const bundle = await rolldown({
    input: join(FOLDER, 'main.tsx'),
    platform: 'browser',
    logLevel: 'warn',
    tsconfig: join(import.meta.dirname, '../tsconfig.page.json'),
  });
  const { output } = await bundle.generate({ format: 'iife', minify: true });
  await bundle.close();
  const [{ code, moduleIds }] = output;
  modules.push(...moduleIds);
  // Nothing in a script element may look like the end of it, or the beginning of another.
  const script = code.trim().replaceAll(/<(?=\/script|!--|script)/gi, '\\x3c');
  return script;
}

/** As a source of a Content-Security-Policy. */
function digest(text) {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
}
