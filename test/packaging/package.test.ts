/** What npm publishes, put into a project of somebody else's. */
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { end, start } from '../e2e/harness/processes.js';
import { LEGACY_SERVER, parseListening } from '../e2e/harness/proxy.js';
import { Scope } from '../e2e/harness/scope.js';
import { ROOT } from './harness/dockerfile.js';
import { installPackage, PUBLISHED } from './harness/installed.js';

const scope = new Scope();
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));
let project: string;
let installed: string;

beforeAll(() => {
  const made = installPackage();
  project = made.project;
  installed = join(project, 'node_modules/mcp-relay');
  // The types of Node, which every such project has.
  mkdirSync(join(project, 'node_modules/@types'));
  for (const name of ['@types/node', 'undici-types'])
    symlinkSync(join(ROOT, 'node_modules', name), join(project, 'node_modules', name));
  scope.add(made, async ({ remove }) => remove());
}, 120_000);
afterAll(() => scope.end());

function all(folder: string, suffix: string): string[] {
  return readdirSync(join(installed, folder), { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith(suffix),
  );
}

describe('the package', () => {
  it('has the command, the library, its declarations, the schema of the file and the licences, and nothing else', () => {
    expect(readdirSync(installed).sort()).toEqual(PUBLISHED);
    expect(
      all('dist', '').filter((name) => !/(\.c?js|\.d\.ts|^api.*|^THIRD-PARTY-LICENSES\.txt)$/.test(name)),
    ).toEqual([]);
    expect(all('dist', '.d.ts').filter((name) => !name.startsWith('api'))).toEqual([]);
  });

  it('needs no other package but the keychain, which may be missing', () => {
    const {
      dependencies = {},
      peerDependencies = {},
      optionalDependencies,
    } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'));
    expect([dependencies, peerDependencies]).toEqual([{}, {}]);
    expect(Object.keys(optionalDependencies)).toEqual(['@napi-rs/keyring']);
  });

  it('declares nothing by the words of another package', () => {
    const imports = all('dist/api', '.d.ts').flatMap((name) =>
      [
        ...readFileSync(join(installed, 'dist/api', name), 'utf8').matchAll(
          /(?:from |import\()['"]([^'"]+)['"]/g,
        ),
      ].map(([, from = '']) => from),
    );
    expect(imports.filter((from) => !/^(\.|node:)/.test(from))).toEqual([]);
  });

  it('compiles in a strict project that checks the declarations of others, too', () => {
    writeFileSync(
      join(project, 'embed.ts'),
      `import { type CreateProxyOptions, createProxy, type Proxy, type ProxyEvent } from 'mcp-relay';
const options: CreateProxyOptions = {
  server: { command: process.execPath, args: process.argv.slice(2) },
  onEvent: (event: ProxyEvent) => void event,
};
const proxy: Proxy = await createProxy(options);
process.stdout.write(\`\${proxy.url}\\n\`);
process.once('SIGTERM', () => void proxy.close());
`,
    );
    writeFileSync(
      join(project, 'tsconfig.json'),
      JSON.stringify({
        compilerOptions: {
          target: 'ES2022',
          module: 'NodeNext',
          strict: true,
          exactOptionalPropertyTypes: true,
          skipLibCheck: false,
          types: ['node'],
        },
        files: ['embed.ts'],
      }),
    );
    const tsc = start(process.execPath, [join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', project]);
    return tsc.ended.then(({ code }) => expect(code, tsc.stdout()).toBe(0));
  });

  it('embeds, from what was compiled', async () => {
    const [, ...server] = LEGACY_SERVER;
    const program = scope.add(start(process.execPath, [join(project, 'embed.js'), ...server]), end);
    const url = await program.line('stdout', (line) => line);
    expect((await fetch(`${url}/status`)).status).toBe(200);
    program.kill('SIGTERM');
    expect(await program.ended).toEqual({ code: 0, signal: null });
  });

  it('is a command with the version that it is published as', async () => {
    const program = start(process.execPath, [join(installed, 'bin/mcp-proxy.cjs'), '--version']);
    expect(await program.ended).toEqual({ code: 0, signal: null });
    expect(program.stdout()).toBe(`mcp-proxy ${version}\n`);
  });

  it('serves', async () => {
    const bin = join(installed, 'bin/mcp-proxy.cjs');
    const program = scope.add(start(process.execPath, [bin, '--port', '0', ...LEGACY_SERVER]), end);
    const { url } = await program.line('stderr', parseListening);
    expect((await fetch(`${url}/status`)).status).toBe(200);
  });
});

describe('CHANGELOG.md', () => {
  it('begins with the version that is published next', () => {
    const [, newest] = /^## (.+)$/m.exec(readFileSync(join(ROOT, 'CHANGELOG.md'), 'utf8')) ?? [];
    expect(newest).toBe(version);
  });
});
