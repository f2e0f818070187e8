import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { defineConfig } from 'rolldown';
import { page } from './build/page.js';

const ownPage = page();

/**
 * The published build, in dist: the command as CommonJS, which Node starts faster than modules, and the library as
 * a module. Every library is inside, so that an installation is one package, but for the keychain, which is a native
 * addon. What a plain start does not need is in files of its own, which are loaded when it is asked for.
 */
export default defineConfig([
  {
    ...build({ cli: 'src/cli/main.ts', connect: 'src/cli/connect.ts', serve: 'src/cli/serve.ts' }),
    output: {
      ...output('cjs'),
      entryFileNames: '[name].cjs',
      chunkFileNames: '[name]-[hash].cjs',
      // Each file costs a start a millisecond.
      codeSplitting: {
        includeDependenciesRecursively: false,
        groups: [{ name: 'shared', test: /[\\/]src[\\/]/, tags: ['$initial'], minShareCount: 2 }],
      },
    },
    plugins: [ownPage, fresh(/\.cjs$/), apart('./check.js', './check.cjs'), licenses(ownPage.modules)],
  },
  {
    // It needs what both modes need: in one build with them, each of them would load the other's code.
    ...build({ check: 'src/cli/check.ts' }),
    output: { ...output('cjs'), entryFileNames: '[name].cjs', chunkFileNames: 'check-[name]-[hash].cjs' },
  },
  {
    ...build({ index: 'src/index.ts' }),
    output: { ...output('esm'), chunkFileNames: '[name]-[hash].js' },
    plugins: [page(), fresh(/\.js$/), declarations()],
  },
]);

function build(input) {
  return {
    input,
    platform: 'node',
    logLevel: 'warn',
    // As modules where there is a choice: what jsonc-parser has for CommonJS can't be bundled.
    resolve: { mainFields: ['module', 'main'] },
    preserveEntrySignatures: 'allow-extension',
    external: ['@napi-rs/keyring'],
  };
}

function output(format) {
  return {
    dir: 'dist',
    format,
    minify: { compress: true, mangle: { keepNames: { class: true, function: false } } },
  };
}

/** Leaves a module to a build of its own, which writes it to `file`. */
function apart(module, file) {
  return {
    name: 'apart',
    resolveId(source) {
      return source === module ? { id: file, external: 'relative' } : undefined;
    },
  };
}

/** Names change with contents: what an earlier build left of these files would be published, too. */
function fresh(files) {
  return {
    name: 'fresh',
    buildStart() {
      mkdirSync('dist', { recursive: true });
      for (const file of readdirSync('dist')) if (files.test(file)) rmSync(join('dist', file));
    },
  };
}

/** Of what the compiler has declared in dist/types, what the library's own declarations need: dist/api. */
function declarations() {
  return {
    name: 'declarations',
    buildStart() {
      rmSync('dist/api', { recursive: true, force: true });
    },
    generateBundle() {
      const files = new Set(['index.d.ts']);
      for (const file of files) {
        const source = readFileSync(join('dist/types', file), 'utf8');
        for (const [, path] of source.matchAll(/(?:from |import\()['"](\.[^'"]+)\.js['"]/g))
          files.add(posix.join(posix.dirname(file), `${path}.d.ts`));
        this.emitFile({ type: 'asset', fileName: `api/${file}`, source });
      }
    },
  };
}

/**
 * What the licences of the libraries ask for: their texts go where their code goes.
 *
 * @param more modules that are in the build, beside those that it knows of
 */
function licenses(more) {
  const mark = `${sep}node_modules${sep}`;
  return {
    name: 'licenses',
    generateBundle(_options, bundle) {
      const folders = new Set();
      const bundled = Object.values(bundle).flatMap(({ moduleIds = [] }) => moduleIds);
      for (const id of [...bundled, ...more]) {
        const at = id.lastIndexOf(mark);
        if (at === -1) continue;
        const [scope, name] = id.slice(at + mark.length).split(sep);
        folders.add(id.slice(0, at + mark.length) + (scope.startsWith('@') ? join(scope, name) : scope));
      }
      const source = [...folders]
        .sort()
        .map(licenseOf)
        .join(`\n${'-'.repeat(80)}\n\n`);
      this.emitFile({ type: 'asset', fileName: 'THIRD-PARTY-LICENSES.txt', source });
    },
  };
}

function licenseOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.|$)/i.test(entry));
  if (file === undefined) throw new Error(`${name} has no licence file`);
  return `${name} ${version} (${license})\n\n${readFileSync(join(folder, file), 'utf8').trim()}\n`;
}
