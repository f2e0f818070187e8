import { describe, expect, it } from 'vitest';
import { findingOfCommand, type SeenCommand } from '../../../src/check/command-finding.js';

const GOOD: SeenCommand = {
  command: 'my-server',
  found: '/usr/bin/my-server',
  path: '/usr/bin, /bin',
  handshake: 'answered',
  refusal: '',
  waitedMs: 3000,
  exit: undefined,
  stderr: [],
  noise: undefined,
  faults: [],
  passEnvironment: false,
  has: () => false,
};

/** Of a server that ended with these last words. */
function ended(...stderr: string[]): SeenCommand {
  return { ...GOOD, handshake: 'ended', exit: { kind: 'exited', code: 1 }, stderr };
}

function missing(command: string): SeenCommand {
  const reason = `command not found: ${command}`;
  return { ...GOOD, command, found: undefined, handshake: 'ended', exit: { kind: 'unspawnable', reason } };
}

describe('a server that answers', () => {
  it('is well', () => {
    expect(findingOfCommand(GOOD)).toEqual({ verdict: 'ok', reason: '', remedy: '', notes: [] });
  });

  it('is well with noise on stdout, and the first line is told', () => {
    const { verdict, notes } = findingOfCommand({ ...GOOD, noise: 'Welcome' });
    expect(verdict).toBe('ok');
    expect(notes).toEqual([expect.stringContaining('"Welcome"')]);
  });

  it('is not well where it refuses a list that it should have', () => {
    const faults = ['refuses "tools/list": broken', 'did not answer "prompts/list" within 10 s'];
    expect(findingOfCommand({ ...GOOD, faults })).toMatchObject({
      verdict: 'list-failed',
      reason: 'It refuses "tools/list": broken; it did not answer "prompts/list" within 10 s.',
    });
  });
});

describe('a command that cannot be started', () => {
  it('is not found, in which PATH, and the full path is the remedy', () => {
    const { verdict, reason, remedy } = findingOfCommand(missing('nxp'));
    expect(verdict).toBe('not-found');
    expect(reason).toContain('The command nxp was not found');
    expect(reason).toContain('/usr/bin, /bin');
    expect(remedy).toContain('command -v nxp');
  });

  it('is not found where its path says', () => {
    const { verdict, reason } = findingOfCommand(missing('./server'));
    expect({ verdict, reason }).toEqual({
      verdict: 'not-found',
      reason: 'The command ./server was not found. There is no such file.',
    });
  });

  it.each([
    ['npx', 'Node.js'],
    ['uvx', 'uv ('],
    ['docker', 'Docker'],
    ['python3', 'Python'],
    ['C:\\Tools\\npx.cmd', 'Node.js'],
  ])('is the runtime %s, which is to be installed', (command, what) => {
    const { verdict, remedy } = findingOfCommand(missing(command));
    expect(verdict).toBe('wrong-runtime');
    expect(remedy).toContain(`Install ${what}`);
  });

  it('is there and cannot be run', () => {
    const exit = {
      kind: 'unspawnable',
      reason: '/usr/bin/my-server may not be executed by this user',
    } as const;
    const { verdict, reason } = findingOfCommand({ ...GOOD, handshake: 'ended', exit });
    expect(verdict).toBe('not-startable');
    expect(reason).toContain('may not be executed');
  });

  it('has no working directory', () => {
    const exit = { kind: 'unspawnable', reason: 'its working directory does not exist: /nowhere' } as const;
    const finding = findingOfCommand({ ...GOOD, found: undefined, handshake: 'ended', exit });
    expect(finding.verdict).toBe('not-startable');
  });
});

describe('a variable that is missing', () => {
  it.each([
    ['Error: BRAVE_API_KEY environment variable is required', 'BRAVE_API_KEY'],
    ['GITHUB_PERSONAL_ACCESS_TOKEN not set', 'GITHUB_PERSONAL_ACCESS_TOKEN'],
    [
      'Missing required environment variables: SLACK_BOT_TOKEN, SLACK_TEAM_ID',
      'SLACK_BOT_TOKEN, SLACK_TEAM_ID',
    ],
    ["KeyError: 'OPENAI_API_KEY'", 'OPENAI_API_KEY'],
    ['Please set the `NOTION_TOKEN` variable', 'NOTION_TOKEN'],
    ['/start.sh: line 3: DATABASE_URL: unbound variable', 'DATABASE_URL'],
    ['environment variable TOKEN is missing', 'TOKEN'],
    ['ValueError: SENTRY_AUTH_TOKEN must be set', 'SENTRY_AUTH_TOKEN'],
    ['throw new Error("Missing API key: set TAVILY_API_KEY")', 'TAVILY_API_KEY'],
  ])('is named: %s', (line, names) => {
    const { verdict, reason, remedy } = findingOfCommand(ended('at start:', line));
    expect(verdict).toBe('variable-missing');
    expect(reason).toContain(` ${names}.`);
    expect(remedy).toContain(`--env ${names.split(',')[0]} VALUE`);
  });

  it('is set here, and not given to server processes', () => {
    const seen = { ...ended('A_TOKEN is not set'), has: (name: string) => name === 'A_TOKEN' };
    expect(findingOfCommand(seen).remedy).toContain('A_TOKEN is set here');
    expect(findingOfCommand(seen).remedy).toContain('--pass-environment');
    expect(findingOfCommand({ ...seen, passEnvironment: true }).remedy).not.toContain('--pass-environment');
  });

  it('is told too of a server that goes on without it, and refuses', () => {
    const seen = { ...GOOD, handshake: 'refused', refusal: 'MY_API_KEY is not configured' } as const;
    expect(findingOfCommand(seen).verdict).toBe('variable-missing');
  });

  it.each([
    'Error: listen EADDRINUSE: address already in use',
    'ERR_MODULE_NOT_FOUND is thrown',
    'TypeError: Cannot read properties of undefined',
    'INFO server not configured',
  ])('is no reason: %s', (line) => {
    expect(findingOfCommand(ended(line)).verdict).toBe('ended');
  });
});

describe('what it is started with', () => {
  it.each([
    ['sh: 1: uvx: not found', 'uvx', 'uv ('],
    ['zsh: command not found: docker', 'docker', 'Docker'],
    ["env: 'node': No such file or directory", 'node', 'Node.js'],
    ['Error: spawn npx ENOENT', 'npx', 'Node.js'],
    ['OCI runtime exec failed: exec: "python": executable file not found in $PATH', 'python', 'Python'],
    ["FileNotFoundError: [Errno 2] No such file or directory: 'git'", 'git', 'git'],
  ])('was not found: %s', (line, command, what) => {
    const { verdict, reason, remedy } = findingOfCommand(ended(line));
    expect(verdict).toBe('wrong-runtime');
    expect(reason).toBe(`It starts ${command}, which was not found.`);
    expect(remedy).toContain(`Install ${what}`);
  });

  it.each([
    'npm WARN EBADENGINE Unsupported engine { required: { node: ">=22" }, current: { node: "v20" } }',
    'This package requires Node.js 22 or newer',
    'error: No interpreter found for Python >=3.13',
    'Cannot connect to the Docker daemon at unix:///var/run/docker.sock',
  ])('is not the right one: %s', (line) => {
    const { verdict, reason } = findingOfCommand(ended(line));
    expect(verdict).toBe('wrong-runtime');
    expect(reason).toContain(line);
  });

  it.each([
    'npm error 404 Not Found - GET https://registry.example/nope - Not found',
    "Error: Cannot find module '/srv/server.js'",
    "ModuleNotFoundError: No module named 'mcp_server_x'",
    "python: can't open file '/srv/server.py': [Errno 2] No such file or directory",
    'Because x was not found in the package registry',
    'docker: pull access denied for nope, repository does not exist',
  ])('does not find its package: %s', (line) => {
    expect(findingOfCommand(ended(line))).toMatchObject({
      verdict: 'package-not-found',
      reason: expect.stringContaining(line),
    });
  });
});

describe('a server that does not answer', () => {
  const silent: SeenCommand = { ...GOOD, handshake: 'silent' };

  it('may need longer', () => {
    const { verdict, reason, remedy } = findingOfCommand(silent);
    expect(verdict).toBe('no-answer');
    expect(reason).toContain('within 3 s');
    expect(remedy).toContain('--start-timeout');
  });

  it.each([
    ['Listening on http://0.0.0.0:3000/mcp', 'http://127.0.0.1:3000/mcp'],
    ['INFO: Uvicorn running on http://127.0.0.1:8000 (Press CTRL+C to quit)', 'http://127.0.0.1:8000'],
    ['server listening on port 3001', 'http://127.0.0.1:3001'],
    ['ready at http://[::]:4000.', 'http://127.0.0.1:4000'],
  ])('serves over HTTP where it says so: %s', (line, url) => {
    for (const seen of [
      { ...silent, noise: line },
      { ...silent, stderr: ['starting', line] },
    ]) {
      const { verdict, remedy } = findingOfCommand(seen);
      expect(verdict).toBe('wrong-transport');
      expect(remedy).toContain(`mcp-proxy check ${url}`);
    }
  });

  it('writes what is no message', () => {
    expect(findingOfCommand({ ...silent, noise: '> my-server' })).toMatchObject({
      verdict: 'stdout-noise',
      reason: expect.stringContaining('> my-server'),
    });
  });
});

describe('a server that ends', () => {
  it('is told with its exit code and the end of its stderr', () => {
    const { verdict, reason } = findingOfCommand(ended('one', 'two', 'three', 'four'));
    expect(verdict).toBe('ended');
    expect(reason).toBe(
      'It ended by itself with exit code 1 before it answered. Its stderr ends: two / three / four',
    );
  });

  it('is told with the signal that ended it', () => {
    const seen = { ...ended(), exit: { kind: 'killed', signal: 'SIGKILL' } } as const;
    expect(findingOfCommand(seen).reason).toContain(
      'SIGKILL before it answered. It wrote nothing to stderr.',
    );
  });

  it('is told with what it wrote to stdout', () => {
    expect(findingOfCommand({ ...ended(), noise: 'usage: x' }).notes).toEqual([
      'The first line on its stdout: usage: x',
    ]);
  });
});

it('shows the answer of a server that refuses the handshake', () => {
  const seen = { ...GOOD, handshake: 'refused', refusal: 'go away' } as const;
  expect(findingOfCommand(seen)).toMatchObject({
    verdict: 'refused',
    reason: expect.stringContaining('go away'),
  });
});
