/**
 * Parts of Node that take long to load, each at its first use: a desktop client waits for the start of client mode,
 * and most runs need none of them.
 */
export function crypto(): typeof import('node:crypto') {
  return process.getBuiltinModule('node:crypto');
}

export function childProcess(): typeof import('node:child_process') {
  return process.getBuiltinModule('node:child_process');
}
