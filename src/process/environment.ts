/** What a child process finds in its environment. */
import type { ServerDefinition } from '../config/definition.js';

/**
 * What a process needs to start and to find its user's files, and nothing that could hold a secret.
 * These are the names that the official SDKs pass on, so that a server meets here what it meets elsewhere.
 */
const POSIX_NAMES = ['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER'];
const WINDOWS_NAMES = [
  'APPDATA',
  'HOMEDRIVE',
  'HOMEPATH',
  'LOCALAPPDATA',
  'PATH',
  'PATHEXT',
  'PROCESSOR_ARCHITECTURE',
  'PROGRAMFILES',
  'SYSTEMDRIVE',
  'SYSTEMROOT',
  'TEMP',
  'USERNAME',
  'USERPROFILE',
];

/** The keys of the proxy's own clients: no server has a use for them, and one could use them for the others. */
const NEVER_PASSED = new Set(['MCP_PROXY_API_KEYS']);

/** Name → value; an undefined value counts as absent. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The environment of a server's process: the few names above (all of `parent` with `passEnvironment`, but for
 * the keys of the proxy's own clients),
 * and over them what the user configured.
 *
 * @param parent the proxy's own environment
 */
export function childEnvironment(
  definition: Pick<ServerDefinition, 'env' | 'passEnvironment'>,
  parent: Environment = process.env,
  platform: NodeJS.Platform = process.platform,
): Record<string, string> {
  const windows = platform === 'win32';
  const names = new Set(windows ? WINDOWS_NAMES : POSIX_NAMES);
  const result = new Map<string, [name: string, value: string]>();
  const put = (name: string, value: string): void => {
    // Windows has one variable for `Path` and `PATH`: the later one takes the place of the earlier.
    const key = windows ? name.toUpperCase() : name;
    result.delete(key);
    result.set(key, [name, value]);
  };
  for (const [name, value] of Object.entries(parent)) {
    if (value === undefined || NEVER_PASSED.has(windows ? name.toUpperCase() : name)) continue;
    if (definition.passEnvironment) put(name, value);
    // A value that begins like this is a shell function that an old shell would run.
    else if (names.has(windows ? name.toUpperCase() : name) && !value.startsWith('()')) put(name, value);
  }
  for (const [name, value] of Object.entries(definition.env)) put(name, value);
  return Object.fromEntries(result.values());
}
