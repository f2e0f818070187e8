/** Where a server's command stands on the disk, and in words why it could not be started. */
import { accessSync, constants, type Stats, statSync } from 'node:fs';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import type { ServerDefinition } from '../config/definition.js';
import { wordsOf } from '../observability/events.js';
import { childEnvironment } from './environment.js';

const WINDOWS = process.platform === 'win32';

/**
 * The file that the system runs for the server's command, as an absolute path: found in the `PATH` that
 * the process gets, or relative to its working directory. Undefined where there is none.
 */
export function findCommand(definition: ServerDefinition): string | undefined {
  const base = resolve(definition.cwd ?? '.');
  const environment = childEnvironment(definition);
  const command = definition.command;
  const places = isPath(command) ? [base] : pathOf(environment).map((place) => resolve(base, place));
  const files = places.flatMap((place) =>
    endings(environment).map((ending) => (isAbsolute(command) ? command : join(place, command)) + ending),
  );
  return files.find(isExecutable) ?? files.find(isFile);
}

/**
 * Why a process could not be started, in words and with what can be done about it.
 *
 * @param error what `spawn` threw, or its `error` event gave
 */
export function spawnFailure(definition: ServerDefinition, error: unknown): string {
  const { command, cwd } = definition;
  if (cwd !== undefined && !isDirectory(cwd)) {
    return `its working directory does not exist or is no directory: ${resolve(cwd)}`;
  }
  const found = findCommand(definition);
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    if (found !== undefined) {
      return `${found} exists, but the program that its first line (#!) names does not`;
    }
    if (isPath(command)) {
      return `command not found: ${command}; there is no such file (looked for ${resolve(cwd ?? '.', command)})`;
    }
    const ask = WINDOWS ? 'where' : 'command -v';
    return `command not found: ${command}; give the full path (what "${ask} ${command}" prints in a terminal), or put its directory into the PATH of this process`;
  }
  if (code === 'EACCES') {
    return `${found ?? command} may not be executed by this user; check that it is a program and its permissions (chmod +x)`;
  }
  if (code === 'ERR_INVALID_ARG_VALUE') {
    // Node's own words show the value, which may be a secret.
    return `${found ?? command}: an argument, or a variable of its environment, holds a null character`;
  }
  return `${found ?? command}: ${wordsOf(error)}`;
}

function isPath(command: string): boolean {
  return command.includes('/') || (WINDOWS && command.includes('\\'));
}

function pathOf(environment: Readonly<Record<string, string>>): string[] {
  const name = Object.keys(environment).find((key) => (WINDOWS ? key.toUpperCase() : key) === 'PATH');
  const value = name === undefined ? undefined : environment[name];
  return (value ?? '').split(delimiter).filter((place) => place !== '');
}

function endings(environment: Readonly<Record<string, string>>): string[] {
  return WINDOWS ? ['', ...(environment.PATHEXT ?? '.EXE;.CMD;.BAT;.COM').split(';')] : [''];
}

function isFile(path: string): boolean {
  return look(path)?.isFile() ?? false;
}

function isDirectory(path: string): boolean {
  return look(path)?.isDirectory() ?? false;
}

/**
 * Undefined where it cannot be looked at, for whatever reason: it is missing, a part of its path is a file,
 * or is a directory that this user may not enter. A search goes on then, as the system's own does.
 */
function look(path: string): Stats | undefined {
  try {
    return statSync(path);
  } catch {
    return undefined;
  }
}

function isExecutable(path: string): boolean {
  if (!isFile(path)) return false;
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    // Not ours to run: the search goes on, as the system's own does.
    return false;
  }
}
