import type { LogLevel } from '../observability/events.js';
import { type ClientOptions, clientOptions } from './client-options.js';
import { isGiven, isOn, lastValue, pairs } from './given.js';
import { type ServerFile, type ServerOptions, serverOptions } from './server-options.js';
import { type GivenOption, isUrl, type RunSplit, split } from './split.js';
import { UsageError, usageText } from './usage-error.js';
import { choice, headerName, httpUrl, logLevel, variableName } from './values.js';

/** What a command line asks for. Texts end with a newline; warnings hold no secrets. */
export type CommandLine =
  | { readonly mode: 'help'; readonly text: string }
  | { readonly mode: 'version'; readonly text: string }
  | { readonly mode: 'usage-error'; readonly text: string }
  | { readonly mode: 'completion'; readonly text: string }
  | { readonly mode: 'logout'; readonly url: URL }
  | {
      readonly mode: 'check';
      /** What would be run. */
      readonly line: RunLine;
      /** Whether the result is for machines. */
      readonly json: boolean;
      /** Whether the log of the servers is wanted: a level is given for it. */
      readonly isLogged: boolean;
    }
  | RunLine;

/** A command line that runs the proxy. */
type RunLine =
  | { readonly mode: 'client'; readonly options: ClientOptions; readonly warnings: readonly string[] }
  | {
      readonly mode: 'server';
      readonly options: ServerOptions;
      /** Still to be read, for its servers. */
      readonly file: ServerFile | undefined;
      readonly warnings: readonly string[];
    };

/**
 * Reads a command line. Does nothing: no file is read, nothing is written.
 *
 * @param argv without the names of the interpreter and the program
 * @param env for `API_ACCESS_TOKEN`, `MCP_PROXY_API_KEYS` and the deprecated `SSE_URL`
 */
export async function parseCommandLine(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CommandLine> {
  try {
    return await read(argv, env);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { mode: 'usage-error', text: usageText(error.message) };
  }
}

async function read(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<CommandLine> {
  if (argv[0] === LOGOUT) return { mode: 'logout', url: logoutUrl(argv.slice(1)) };
  if (argv[0] === COMPLETION) {
    return { mode: 'completion', text: (await import('./completion.js')).completionScript(argv.slice(1)) };
  }
  const isCheck = argv[0] === CHECK;
  const line = isCheck ? split(argv.slice(1), CHECK) : split(argv);
  if (line.kind === 'help') return { mode: 'help', text: await (await import('./help.js')).helpText() };
  if (line.kind === 'version')
    return { mode: 'version', text: (await import('./version-text.js')).versionText() };
  const run = await runLine(line, env);
  if (!isCheck) return run;
  const { given } = line;
  const isLogged = isGiven(given, 'log-level') || isOn(given, 'debug');
  return { mode: 'check', line: run, json: isGiven(given, 'json'), isLogged };
}

async function runLine(line: RunSplit, env: Readonly<Record<string, string | undefined>>): Promise<RunLine> {
  const { given, args } = line;
  const warnings: string[] = [];
  const log = logOptions(given);
  const named = given.some(({ id }) => id === 'named-server' || id === 'named-server-config');
  let { command } = line;
  if (command === '') {
    // A script's empty variable. The original takes it as no command.
    if (args.length > 0) throw new UsageError('the command is empty');
    command = undefined;
  } else if (command === undefined && !named && env.SSE_URL) {
    command = env.SSE_URL;
    warnings.push('SSE_URL in the environment is deprecated; give the URL as the first argument.');
  }
  if (command === undefined && !named) {
    // The command may have been taken for the second word of `-e NAME=value` or `-H 'Name: value'`.
    for (const [key] of pairs(given, 'env')) variableName('--env', key);
    for (const [key] of pairs(given, 'headers')) headerName('--headers', key);
    throw new UsageError('nothing to do: give a command to serve, the URL of a server, or named servers');
  }
  if (command !== undefined && isUrl(command)) {
    if (args.length > 0)
      warnings.push(
        `Ignored: what follows the URL (${args.length === 1 ? '1 word' : `${args.length} words`}).`,
      );
    return { mode: 'client', options: clientOptions(given, command, env, log, warnings), warnings };
  }
  const words = command === undefined ? [] : [command, ...args];
  return { mode: 'server', ...(await serverOptions(given, words, env, log, warnings)), warnings };
}

/** First words that are no command of a server's, unless they stand behind `--`. */
const LOGOUT = 'logout';
const CHECK = 'check';
const COMPLETION = 'completion';

function logoutUrl([url, ...more]: readonly string[]): URL {
  if (url !== undefined && isUrl(url) && more.length === 0) return httpUrl('the URL', url);
  throw new UsageError(
    'logout takes the URL of a remote server: mcp-proxy logout URL. For a command of this name, put -- before it',
  );
}

/** What is written to the log, and how. */
export interface LogOptions {
  readonly logLevel: LogLevel;
  readonly logFormat: (typeof LOG_FORMATS)[number];
}

/** `auto`: text where a person reads it, JSON where a program does. */
const LOG_FORMATS = ['auto', 'text', 'json'] as const;

function logOptions(given: readonly GivenOption[]): LogOptions {
  const level = logLevel(lastValue(given, 'log-level') ?? 'info');
  return {
    logLevel: isOn(given, 'debug') ? 'debug' : level,
    logFormat: choice('--log-format', lastValue(given, 'log-format') ?? 'auto', LOG_FORMATS),
  };
}
