/** What the last words of a server that does not work say of the reason, as the usual runtimes and servers write it. */

/** The name of a variable, as it stands in a text that does not say that it is one. */
const NAME = '[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+';
const QUOTE = '["\'`]?';
const VARIABLES = [
  /\b[Ee]nv(?:ironment)?[ _-](?:[Vv]ar(?:iable)?s?)\W{1,4}[A-Z][A-Z0-9_]{2,}\b/,
  new RegExp(
    `\\b${NAME}${QUOTE}(?: (?:environment|env) var(?:iable)?)?(?: (?:is|was|are|must be|has))?(?: not (?:set|been set|defined|provided|found|configured|specified)| ?unset| required| missing| undefined| empty| set\\b)`,
  ),
  new RegExp(
    `\\b(?:[Mm]issing|[Rr]equires?|[Rr]equired|[Pp]lease (?:set|provide|export)|[Nn]eeds?|must (?:set|provide)|[Uu]nset)\\b.{1,60}?\\b${NAME}\\b`,
  ),
  /\bKeyError: ['"][A-Z][A-Z0-9_]{2,}['"]/,
  /\b[A-Z][A-Z0-9_]{2,}: (?:unbound variable|parameter (?:null or )?not set)/,
];
const ANY_NAME = /\b[A-Z][A-Z0-9_]{2,}\b/g;
/** Words in capitals that are no variables: codes of errors, levels of logs. */
const NO_VARIABLE =
  /^(?:ERR_\w*|E[A-Z]+|ERROR|WARN(?:ING)?|INFO|DEBUG|FATAL|API|MCP|URL|JSON|HTTP|TODO|NOT|SET)$/;
/** Names that are told; a server that wants more has said so itself. */
const MAX_NAMES = 8;

/** The environment variables that are missing, as far as the lines name them. */
export function variablesIn(lines: readonly string[]): string[] {
  const names = lines
    .filter((line) => VARIABLES.some((pattern) => pattern.test(line)))
    .flatMap((line) => line.match(ANY_NAME) ?? [])
    .filter((name) => !NO_VARIABLE.test(name));
  // A name without an underscore is one only where no better is there.
  const sure = names.filter((name) => name.includes('_'));
  return [...new Set(sure.length > 0 ? sure : names)].slice(0, MAX_NAMES);
}

/** How each runtime is had that starts servers. */
const RUNTIMES: Readonly<Record<string, string>> = {
  npx: 'Node.js (https://nodejs.org)',
  npm: 'Node.js (https://nodejs.org)',
  node: 'Node.js (https://nodejs.org)',
  uvx: 'uv (https://docs.astral.sh/uv)',
  uv: 'uv (https://docs.astral.sh/uv)',
  python: 'Python (https://python.org)',
  python3: 'Python (https://python.org)',
  pip: 'Python (https://python.org)',
  pipx: 'pipx (https://pipx.pypa.io)',
  docker: 'Docker (https://docs.docker.com/get-docker)',
  podman: 'Podman (https://podman.io)',
  deno: 'Deno (https://deno.com)',
  bun: 'Bun (https://bun.sh)',
  bunx: 'Bun (https://bun.sh)',
};

/** What has to be installed to have this command; undefined: it is no runtime that is known here. */
export function runtimeOf(command: string): string | undefined {
  const name = command.replace(/^.*[/\\]/, '').replace(/\.(?:exe|cmd)$/i, '');
  return Object.hasOwn(RUNTIMES, name) ? RUNTIMES[name] : undefined;
}

const MISSING_COMMAND = [
  /command not found: (\S+)/,
  /(?:^|[\s:])["'`]?([\w./-]+)["'`]?: (?:command )?not found\b/,
  /\benv: ["'‘`]?([\w./-]+)["'’`]?: No such file/,
  /\bspawn (\S+) ENOENT/,
  /exec: ["']([\w./-]+)["']: executable file not found/,
  /FileNotFoundError: .*["']([\w./-]+)["']/,
  /["']([\w./-]+)["'] is not recognized as an internal or external command/,
];

/** A command that the server's own start did not find; undefined where no line says so. */
export function missingCommandIn(lines: readonly string[]): string | undefined {
  for (const pattern of MISSING_COMMAND) {
    for (const line of lines) {
      const [, name] = pattern.exec(line) ?? [];
      if (name !== undefined) return name;
    }
  }
  return undefined;
}

const WRONG_RUNTIME = [
  /EBADENGINE|Unsupported engine/,
  /\brequires? (?:a |at least )?(?:newer |different )?(?:version of )?(?:Node(?:\.js)?|Python)\b/i,
  /\b(?:Node(?:\.js)?|Python)\b.{0,40}\b(?:is not supported|is required|or (?:higher|later|newer|above))/i,
  /Requires-Python|No interpreter found for Python/,
  /Cannot connect to the Docker daemon|error during connect|docker\.sock.*permission denied|permission denied.*docker/i,
  /The module .* was compiled against a different Node\.js version/,
];

/** The line that says that the runtime is there and not the right one, or does not run. */
export function wrongRuntimeIn(lines: readonly string[]): string | undefined {
  return lines.find((line) => WRONG_RUNTIME.some((pattern) => pattern.test(line)));
}

const MISSING_PACKAGE = [
  /\bE404\b|404 Not Found - GET|is not in (?:this|the npm) registry/,
  /not found in the package registry|No solution found when resolving/,
  /No matching distribution found|Could not find a version that satisfies/,
  /Cannot find (?:module|package) |ModuleNotFoundError|No module named /,
  /Unable to find image|pull access denied|manifest unknown/,
  /can't open file |could not determine executable to run/,
  /\bENOTCACHED\b|network request to \S+ failed|Failed to fetch: /,
];

/** The line that says that the server's package, or a part of it, is not there. */
export function missingPackageIn(lines: readonly string[]): string | undefined {
  return lines.find((line) => MISSING_PACKAGE.some((pattern) => pattern.test(line)));
}

const ADDRESS = /\bhttps?:\/\/(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1?\])(?::\d{1,5})?(?:\/[\w./-]*)?/i;
const PORT = /\b(?:listening|running|started|serving)\b.{0,40}\bport:? ?(\d{2,5})\b/i;

/** Where a server says that it listens, as a URL that can be used on this machine. */
export function addressIn(lines: readonly string[]): string | undefined {
  for (const line of lines) {
    const [url] = ADDRESS.exec(line) ?? [];
    if (url !== undefined) return url.replace(/0\.0\.0\.0|\[::\]/, '127.0.0.1').replace(/[./]+$/, '');
    const [, port] = PORT.exec(line) ?? [];
    if (port !== undefined) return `http://127.0.0.1:${port}`;
  }
  return undefined;
}
