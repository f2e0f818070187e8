import type { ChildExit } from '../process/child-exit.js';
import type { Finding } from './report.js';
import {
  addressIn,
  missingCommandIn,
  missingPackageIn,
  runtimeOf,
  variablesIn,
  wrongRuntimeIn,
} from './traces.js';

/** What was seen of a server that is a command. Texts are fit to be shown. */
export interface SeenCommand {
  /** As it was configured, and where it stands; undefined: it was not found. */
  readonly command: string;
  readonly found: string | undefined;
  /** The `PATH` that it was looked for in. */
  readonly path: string;
  /**
   * What its handshake came to: `answered`; `refused` with an error of the server's; `ended`: it ended by itself, or
   * could not be started; `silent`.
   */
  readonly handshake: 'answered' | 'refused' | 'ended' | 'silent';
  /** The error with which it refused. */
  readonly refusal: string;
  /** How long it was waited for, in milliseconds. */
  readonly waitedMs: number;
  readonly exit: ChildExit | undefined;
  /** The last lines of its stderr. */
  readonly stderr: readonly string[];
  /** The first line on its stdout that was no message. */
  readonly noise: string | undefined;
  /** What is wrong with its lists. */
  readonly faults: readonly string[];
  readonly passEnvironment: boolean;
  /** Whether the proxy's own environment has a variable of this name. */
  readonly has: (variable: string) => boolean;
}

/** Lines of stderr that a reason shows. */
const SHOWN_LINES = 3;

/** What a check of a command comes to. */
export function findingOfCommand(seen: SeenCommand): Finding {
  const { handshake, exit, noise, faults } = seen;
  if (exit?.kind === 'unspawnable') return unspawnable(seen, exit.reason);
  const [fault] = faults;
  if (handshake === 'answered') {
    const notes = noise === undefined ? [] : [noted(noise)];
    if (fault === undefined) return { verdict: 'ok', reason: '', remedy: '', notes };
    const reason = `It ${faults.join('; it ')}.`;
    const remedy =
      'Its handshake is good: this is for the server to put right. Look at its log above, or for a newer version of it.';
    return { verdict: 'list-failed', reason, remedy, notes };
  }
  return ofWords(seen) ?? ofTransport(seen) ?? ofEnd(seen);
}

function noted(noise: string): string {
  return `It writes to stdout what is no message ("${noise}"). The proxy leaves that out; other clients may not. Logs belong on stderr.`;
}

function unspawnable({ command, found, path }: SeenCommand, reason: string): Finding {
  const runtime = runtimeOf(command);
  if (found !== undefined || reason.startsWith('its working directory')) {
    return finding(
      'not-startable',
      `It could not be started: ${reason}.`,
      'Put that right, and check again.',
    );
  }
  const isPath = /[/\\]/.test(command);
  const where = isPath
    ? 'There is no such file'
    : `It is in no directory of the PATH, which is ${path || 'empty'}`;
  const what = `The command ${command} was not found. ${where}.`;
  const find = `Give the full path, as "command -v ${command}" prints it in a terminal where it works, or put its directory into the PATH.`;
  if (runtime === undefined) return finding('not-found', what, isPath ? 'Give the right path.' : find);
  return finding(
    'wrong-runtime',
    what,
    `Install ${runtime}. If you have it: ${find.charAt(0).toLowerCase()}${find.slice(1)}`,
  );
}

/** What its last words say. */
function ofWords({ stderr, noise, refusal, exit, has, passEnvironment }: SeenCommand): Finding | undefined {
  const lines = [...stderr, refusal, ...(noise === undefined ? [] : [noise])];
  const variables = variablesIn(lines);
  if (variables.length > 0) return variableMissing(variables, has, passEnvironment);
  const command = missingCommandIn(lines);
  if (command !== undefined) {
    const runtime = runtimeOf(command);
    const find =
      'Server processes get the PATH of the proxy: start it where the command is found, or give the PATH with --env PATH or "env".';
    const install = runtime === undefined ? `Install ${command}.` : `Install ${runtime}.`;
    return finding('wrong-runtime', `It starts ${command}, which was not found.`, `${install} ${find}`);
  }
  const runtime = wrongRuntimeIn(lines);
  if (runtime !== undefined) {
    const remedy =
      'Install the version of the runtime that it asks for, or start the one that is needed (Docker: start its service), and give its full path.';
    return finding('wrong-runtime', `Its runtime is not the right one, or does not run: ${runtime}`, remedy);
  }
  const missing = exit === undefined ? undefined : missingPackageIn(lines);
  if (missing === undefined) return undefined;
  const remedy = 'Check how the package, image or file is spelled, and that it can be downloaded from here.';
  return finding('package-not-found', `What it is made of was not found: ${missing}`, remedy);
}

function variableMissing(
  names: readonly string[],
  has: (variable: string) => boolean,
  passEnvironment: boolean,
): Finding {
  const [first = ''] = names;
  const list = names.join(', ');
  const reason = names.length === 1 ? `It asks for the variable ${list}.` : `It asks for variables: ${list}.`;
  const give = `Give it with --env ${first} VALUE, or in the file: "env": { "${first}": "…" }.`;
  if (passEnvironment || !names.some(has)) return finding('variable-missing', reason, give);
  const here = names.filter(has).join(', ');
  const hint = `${here} is set here, but server processes get only a few variables: --pass-environment gives them all.`;
  return finding('variable-missing', reason, `${give} ${hint}`);
}

/** It speaks, and not MCP on stdio. */
function ofTransport({ handshake, stderr, noise, waitedMs }: SeenCommand): Finding | undefined {
  if (handshake !== 'silent') return undefined;
  const address = addressIn([...(noise === undefined ? [] : [noise]), ...stderr]);
  if (address !== undefined) {
    const reason = `It does not answer on stdin and stdout, and says that it listens at ${address}: it serves over HTTP.`;
    const remedy = `Have it speak stdio (many take --stdio, --transport stdio or a like option), or start it by itself and check its URL: mcp-proxy check ${address}`;
    return finding('wrong-transport', reason, remedy);
  }
  if (noise === undefined) return undefined;
  const reason = `It writes to stdout what is no message, and did not answer within ${seconds(waitedMs)}. The first line: ${noise}`;
  const remedy =
    'It may be no MCP server on stdio, or want another option for that. Where it is one, its logs belong on stderr.';
  return finding('stdout-noise', reason, remedy);
}

function ofEnd({ handshake, exit, stderr, noise, refusal, waitedMs }: SeenCommand): Finding {
  const tail =
    stderr.length === 0
      ? 'It wrote nothing to stderr.'
      : `Its stderr ends: ${stderr.slice(-SHOWN_LINES).join(' / ')}`;
  const notes = noise === undefined ? [] : [`The first line on its stdout: ${noise}`];
  if (handshake === 'silent') {
    const reason = `It runs, and did not answer within ${seconds(waitedMs)}. ${tail}`;
    const remedy =
      'Where it takes longer to start, as with its first download, wait longer: --start-timeout SECONDS. Else it may be no MCP server, or need an option to speak stdio.';
    return { ...finding('no-answer', reason, remedy), notes };
  }
  if (handshake === 'refused') {
    const remedy = "This is the server's own answer: look at what it says, or for a newer version of it.";
    return { ...finding('refused', `It refused the handshake: ${refusal}`, remedy), notes };
  }
  const how = exit === undefined ? 'It ended' : describe(exit);
  const remedy =
    'Run the same command in a terminal. It may need an argument, a variable (--env KEY VALUE; all of them: --pass-environment) or a file in its working directory (--cwd).';
  return { ...finding('ended', `${how} before it answered. ${tail}`, remedy), notes };
}

function describe(exit: ChildExit): string {
  switch (exit.kind) {
    case 'unspawnable':
      return 'It could not be started';
    case 'exited':
      return `It ended by itself with exit code ${exit.code}`;
    case 'killed':
      return `It was ended by the signal ${exit.signal}`;
  }
}

function seconds(ms: number): string {
  return `${Math.round(ms / 100) / 10} s`;
}

function finding(verdict: Finding['verdict'], reason: string, remedy: string): Finding {
  return { verdict, reason, remedy, notes: [] };
}
