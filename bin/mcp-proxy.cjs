#!/usr/bin/env node
// V8 keeps what it compiled from one start to the next, where Node can do that (22.8).
require('node:module').enableCompileCache?.();
const { main } = require('../dist/cli.cjs');

main(process.argv.slice(2)).then((code) => process.exit(code));
