/**
 * A preload for the conformance suite (`node --import …/glob-sync.mjs`), which imports `globSync` from `fs`
 * for one command that the tests do not use. It is there from Node 22 on; the names of a built-in module cannot
 * be added to, so on Node 20 the suite gets a module of its own that has one name more.
 */
import * as fs from 'node:fs';
import { register } from 'node:module';

const moduleOf = (source) => `data:text/javascript,${encodeURIComponent(source)}`;

if (!('globSync' in fs)) {
  const withGlobSync = moduleOf(`
    export * from 'node:fs';
    export { default } from 'node:fs';
    export const globSync = () => { throw new Error('fs.globSync needs Node 22'); };
  `);
  const hooks = `
    export const resolve = (specifier, context, next) =>
      specifier === 'fs' && context.parentURL?.includes('/@modelcontextprotocol/conformance/')
        ? { url: ${JSON.stringify(withGlobSync)}, shortCircuit: true }
        : next(specifier, context);
  `;
  register(moduleOf(hooks));
}
