import { readFile, stat } from 'node:fs/promises';
import { ConfigError } from '../config/config-error.js';
import { type Emit, wordsOf } from '../observability/events.js';
import { createLog, entryOf, type LogFormat } from '../observability/log.js';
import { LogWriter } from '../observability/log-writer.js';
import { taken } from '../observability/taken.js';
import type { Checked } from './check.js';
import type { ClientOptions } from './client-options.js';
import { type CommandLine, type LogOptions, parseCommandLine } from './options.js';
import { nameClash, type ServerFile, type ServerOptions } from './server-options.js';
import { type EndSignal, endSignal } from './signals.js';

/** Wrong usage or configuration (docs/architecture.md, "Ends"). */
const WRONG_USAGE = 2;

/** What a run reads and writes beside its streams of messages. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly writeOut: (text: string) => void;
  readonly writeError: (text: string) => void;
  /** Settles when the program is asked to end. */
  readonly signal: Promise<EndSignal>;
  /** Settles when what was written has gone out, or soon where nobody takes it. */
  readonly written?: () => Promise<void>;
  /** Whether stdout is a terminal. */
  readonly isTerminal?: boolean;
  /** Whether stderr is one, so that a person reads the log. */
  readonly isLogTerminal?: boolean;
  /** Told in which form the log is written. */
  readonly onFormat?: (format: LogFormat) => void;
}

/** How long whoever reads stdout has to take the help, in milliseconds. */
const HELP_MS = 2000;

/** Those of this process. To be called once, before anything else. */
function ownSurroundings(): Surroundings {
  const signal = endSignal();
  // Whoever reads them may go away while the servers are still in use (a pipe into `head`, a terminal that
  // is closed): what is written is lost then, and nobody could be told.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  let format: LogFormat = 'text';
  const log = new LogWriter(process.stderr, (dropped) => {
    const text = `${dropped} entries of this log are missing here: nobody read it`;
    return entryOf({ level: 'warning', text }, format);
  });
  return {
    env: process.env,
    writeOut: (text) => void process.stdout.write(text),
    writeError: (text) => log.write(text),
    signal,
    isTerminal: process.stdout.isTTY === true,
    written: async () => {
      await Promise.all([taken(process.stdout, HELP_MS), log.end()]);
    },
    isLogTerminal: process.stderr.isTTY,
    onFormat: (chosen) => {
      format = chosen;
    },
  };
}

/**
 * The whole program.
 *
 * @param argv without the names of the interpreter and the program
 * @returns the exit code, when all has ended. What nobody reads may still wait then, and would keep the process
 *   from exiting by itself
 */
export async function main(
  argv: readonly string[],
  surroundings: Surroundings = ownSurroundings(),
): Promise<number> {
  try {
    return await run(argv, surroundings);
  } finally {
    await surroundings.written?.();
  }
}

async function run(argv: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, writeOut, writeError, signal, isLogTerminal = false, onFormat } = surroundings;
  const line = await parseCommandLine(argv, env);
  if (line.mode === 'usage-error') {
    writeError(line.text);
    return WRONG_USAGE;
  }
  if (line.mode === 'help' || line.mode === 'version' || line.mode === 'completion') {
    writeOut(line.text);
    return 0;
  }
  if (line.mode === 'logout') {
    const { logout } = await import('./logout.js');
    return logout(line.url, env, writeError);
  }
  const started = line.mode === 'check' ? line.line : line;
  const format = logFormat(line.mode, started.options, isLogTerminal);
  onFormat?.(format);
  const emit = createLog(started.options.logLevel, format, writeError);
  for (const text of started.warnings) emit({ level: 'warning', text });
  try {
    if (line.mode === 'check') {
      const checked =
        started.mode === 'client'
          ? started
          : { ...started, options: await complete(started.options, started.file, env, emit) };
      return await checkThem(checked, line, surroundings, emit);
    }
    if (line.mode === 'client') {
      return await connectTo(line.options, emit, signal);
    }
    const options = await complete(line.options, line.file, env, emit);
    const { serve } = await import('./serve.js');
    return await serve(options, emit, writeError, signal);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    writeError(`mcp-proxy: error: ${error.message}\n`);
    return WRONG_USAGE;
  }
}

/**
 * Where nothing else is said: servers' logs are collected by programs, unless somebody watches them on a terminal. In
 * client mode the log is read by people in a window of their client, which shows it as it is, and so is that of a check.
 */
function logFormat(
  mode: CommandLine['mode'],
  { logFormat: asked }: LogOptions,
  isTerminal: boolean,
): LogFormat {
  if (asked !== 'auto') return asked;
  return mode === 'server' && !isTerminal ? 'json' : 'text';
}

/** Throws `ConfigError` for what is wrong with the options and shows only now: a CA bundle that is none. */
async function connectTo(options: ClientOptions, emit: Emit, signal: Promise<EndSignal>): Promise<number> {
  const { connect } = await import('./connect.js');
  try {
    return await connect(options, emit, signal);
  } catch (error) {
    throw new ConfigError(wordsOf(error));
  }
}

/** Throws `ConfigError` as `connectTo` does. What the servers' log would say is in the result, unless it is asked for. */
async function checkThem(
  checked: Checked,
  { json, isLogged }: { readonly json: boolean; readonly isLogged: boolean },
  { env, writeOut, signal, isTerminal = false }: Surroundings,
  emit: Emit,
): Promise<number> {
  const { check } = await import('./check.js');
  const coloured = isTerminal && !env.NO_COLOR && env.TERM !== 'dumb';
  try {
    return await check(checked, { json, coloured, writeOut }, isLogged ? emit : () => undefined, signal);
  } catch (error) {
    throw new ConfigError(wordsOf(error));
  }
}

/** Adds the servers of the file, and looks at what is on the disk. Throws `ConfigError`. */
async function complete(
  options: ServerOptions,
  file: ServerFile | undefined,
  env: Surroundings['env'],
  emit: Emit,
): Promise<ServerOptions> {
  const { defaultServer } = options;
  if (defaultServer?.cwd !== undefined && !(await isDirectory(defaultServer.cwd))) {
    throw new ConfigError(`--cwd ${defaultServer.cwd}: there is no such directory`);
  }
  if (file === undefined) return options;
  const text = await readText(file.path);
  const { loadServerFile } = await import('../config/file.js');
  const { servers, warnings, notes } = await loadServerFile(file.path, text, env, file);
  for (const warning of warnings) emit({ level: 'warning', text: warning });
  for (const note of notes) emit({ level: 'info', text: note });
  const clash = nameClash(options, servers);
  if (clash !== undefined) throw new ConfigError(`${file.path}: ${clash}`);
  if (defaultServer === undefined && servers.length === 0) {
    throw new ConfigError(
      `${file.path}: there is no server to serve in it, and no command on the command line`,
    );
  }
  return { ...options, namedServers: servers };
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Whatever the reason is that it cannot be looked at, a process cannot be started in it.
    return false;
  }
}

const UNREADABLE: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EISDIR: 'it is a directory, not a file',
  EACCES: 'this user may not read it',
  EPERM: 'this user may not read it',
};

async function readText(path: string): Promise<string> {
  let octets: Buffer;
  try {
    octets = await readFile(path);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    const reason = UNREADABLE[code] ?? wordsOf(error);
    throw new ConfigError(`${path} (--named-server-config) cannot be read: ${reason}`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(octets);
  } catch {
    throw new ConfigError(`${path} (--named-server-config) is no UTF-8 text; save it with that encoding`);
  }
}
