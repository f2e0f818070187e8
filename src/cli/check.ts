import { checkRemote } from '../check/check-remote.js';
import { checkServers } from '../check/check-servers.js';
import { type Report, reportOf } from '../check/report.js';
import { tableOf } from '../check/table.js';
import type { Emit } from '../observability/events.js';
import { signInOf } from '../sign-in.js';
import type { ClientOptions } from './client-options.js';
import type { ServerOptions } from './server-options.js';
import type { EndSignal } from './signals.js';

export interface CheckOutput {
  /** One JSON document (`Report`) instead of the table. */
  readonly json: boolean;
  readonly coloured: boolean;
  readonly writeOut: (text: string) => void;
}

/** Where the servers are that are to be checked. */
export type Checked =
  | { readonly mode: 'client'; readonly options: ClientOptions }
  | { readonly mode: 'server'; readonly options: ServerOptions };

/**
 * Meets each server as the proxy would, and writes what came of it. Returns the exit code: 0 where all are well, 1
 * where one is not, or a signal ended it before all were checked.
 *
 * @param emit told what the proxy tells of its servers
 */
export async function check(
  checked: Checked,
  { json, coloured, writeOut }: CheckOutput,
  emit: Emit,
  signal: Promise<EndSignal>,
): Promise<number> {
  const over = new AbortController();
  void signal.then(() => over.abort());
  const report = await reportFor(checked, emit, over.signal);
  if (over.signal.aborted) return 1;
  writeOut(json ? `${JSON.stringify(report, undefined, 2)}\n` : tableOf(report, coloured));
  return report.ok ? 0 : 1;
}

async function reportFor(checked: Checked, emit: Emit, signal: AbortSignal): Promise<Report> {
  if (checked.mode === 'server') {
    const { defaultServer, namedServers, limits = {} } = checked.options;
    const definitions = [...(defaultServer === undefined ? [] : [defaultServer]), ...namedServers];
    return reportOf(await checkServers(definitions, { emit, limits, signal }));
  }
  const { signIn: asked, ...options } = checked.options;
  const { signIn } = signInOf(options.url, asked, emit);
  return reportOf([await checkRemote({ ...options, signIn }, { emit, signal })]);
}
