// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested here.
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../src/config/config-error.js';
import { loadServerFile, type ServerFileContents } from '../../../src/config/file.js';

const defaults = { passEnvironment: false, sharing: 'auto', era: 'auto' } as const;
const env = { HOME: '/root', TOKEN: 'hunter2', EMPTY: '' };

function load(text: string): Promise<ServerFileContents> {
  return loadServerFile('servers.json', text, env, defaults);
}

function servers(entries: object): Promise<ServerFileContents> {
  return load(JSON.stringify({ mcpServers: entries }));
}

/** The message of the error with which a text is refused. */
async function refusal(text: string): Promise<string> {
  try {
    await load(text);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('was accepted');
}

describe('a server of the file', () => {
  it('says who may use it', async () => {
    const { servers: found } = await servers({
      a: { command: 'x', access: { keys: ['ann'], scopes: ['use'] } },
    });
    expect(found[0]?.access).toEqual({ keys: ['ann'], subjects: [], scopes: ['use'] });
  });

  it('is taken with all its keys', async () => {
    const entry = {
      command: 'uvx',
      args: ['mcp-server-fetch', ''],
      env: { KEY: 'value' },
      cwd: '/srv',
      enabled: true,
      disabled: false,
      timeout: 60,
      transportType: 'stdio',
      sharing: 'session',
    };
    expect(await servers({ fetch: entry })).toEqual({
      servers: [
        {
          name: 'fetch',
          command: 'uvx',
          args: ['mcp-server-fetch', ''],
          env: { KEY: 'value' },
          cwd: '/srv',
          passEnvironment: false,
          sharing: 'session',
          era: 'auto',
          timeout: 60_000,
        },
      ],
      warnings: [],
      notes: [],
    });
  });

  it('needs a command only, and has the defaults of the command line', async () => {
    const text = '{"mcpServers":{"a":{"command":"cat"}}}';
    const {
      servers: [server],
    } = await loadServerFile('f', text, {}, { passEnvironment: true, sharing: 'shared', era: 'auto' });
    expect(server).toEqual({
      name: 'a',
      command: 'cat',
      args: [],
      env: {},
      cwd: undefined,
      passEnvironment: true,
      sharing: 'shared',
      era: 'auto',
    });
  });

  it('has limits of its own', async () => {
    const entry = {
      command: 'x',
      maxTimeout: 600,
      startTimeout: 30,
      maxProcesses: 3,
      processIdle: 0,
      maxInFlight: 10,
      maxLine: '64MiB',
    };
    expect((await servers({ a: entry, b: { command: 'x', maxLine: 1000 } })).servers).toMatchObject([
      {
        maxTimeout: 600_000,
        startTimeout: 30_000,
        maxProcesses: 3,
        processIdleMs: 0,
        maxInFlight: 10,
        maxLine: 67_108_864,
      },
      { maxLine: 1000 },
    ]);
  });

  it.each([
    [60, 60_000],
    [0.5, 500],
    [0.0001, 1],
    [0, 0],
  ])('has a timeout of %s s', async (timeout, ms) => {
    expect((await servers({ a: { command: 'x', timeout } })).servers).toMatchObject([{ timeout: ms }]);
  });

  it('may have any name that fits into a URL', async () => {
    const names = ['a b', 'ä', '%2F', '...', '__proto__', 'constructor', '🙂'];
    const entries = names.map((name) => `${JSON.stringify(name)}:{"command":"x"}`);
    const { servers: found } = await load(`{"mcpServers":{${entries.join()}}}`);
    expect(found.map(({ name }) => name)).toEqual(names);
  });

  it('keeps the order of the file', async () => {
    const { servers: found } = await load(
      '{"mcpServers":{"b":{"command":"x"},"2":{"command":"x"},"1":{"command":"x"}}}',
    );
    expect(found.map(({ name }) => name)).toEqual(['b', '2', '1']);
  });

  it.each([
    { command: 'x', enabled: false },
    { command: 'x', disabled: true },
    { command: 'x', enabled: true, disabled: true },
    { disabled: true, args: 'wrong', env: { A: '${NOPE}' } },
    { enabled: false, url: 'https://x' },
  ])('is left out, and not looked at, where it is switched off: %j', async (entry) => {
    expect(await servers({ 'a/b': entry })).toEqual({
      servers: [],
      warnings: [],
      notes: [expect.stringContaining('server "a/b": left out')],
    });
  });

  it('is left out with a warning where it has a url and no command', async () => {
    const { servers: found, warnings } = await servers({
      far: { url: '${NOPE}', headers: {} },
      a: { command: 'x' },
    });
    expect(found).toHaveLength(1);
    expect(warnings).toEqual([
      expect.stringMatching(/servers\.json:1:16: server "far": left out: it has a url/),
    ]);
  });

  it('warns of a url beside a command, and of another transport', async () => {
    const { servers: found, warnings } = await servers({
      a: { command: 'x', url: 'u', transportType: 'sse' },
    });
    expect(found).toHaveLength(1);
    expect(warnings).toEqual([expect.stringContaining('url'), expect.stringContaining('transportType')]);
  });
});

describe('the text', () => {
  it('may have comments, trailing commas and a byte order mark', async () => {
    const text = `\uFEFF{
      // one
      "mcpServers": { /* two */
        "a": { "command": "x", "args": ["y", ], },
      },
    }`;
    expect((await load(text)).servers).toMatchObject([{ command: 'x', args: ['y'] }]);
  });

  it.each([
    ['{"mcpServers": {"a": {"command": "x" "y"}}}', /^servers\.json:1:38: .*a comma is missing/],
    ['{\n  "mcpServers": {\n    a: {}\n  }\n}', /^servers\.json:3:5: /],
    ['{\r\n"mcpServers": tru }', /^servers\.json:2:15: /],
    ['{"mcpServers": {}', /^servers\.json:1:\d+: .*closing } is missing/],
    ['{"mcpServers": {}} x', /^servers\.json:1:20: /],
    ['{"mcpServers": {"a": {"command": "x', /closing double quote is missing/],
    ['{"mcpServers": {"a": {"command": "C:\\x"}}}', /backslash/],
    ['{} /* open', /comment is not closed/],
    ['', /^servers\.json:1:1: .*/],
    ['   \n', /^servers\.json:/],
    ['[]', /^servers\.json:1:1: the file must hold an object/],
    ['"x"', /must hold an object/],
    ['{}', /^servers\.json:1:1: the key "mcpServers" is missing/],
    ['{"servers": {}}', /"mcpServers" is missing/],
    ['{"mcpServers": []}', /^servers\.json:1:16: mcpServers must be an object/],
    ['{"mcpServers": null}', /mcpServers must be an object/],
  ])('is refused with its place: %s', async (text, message) => {
    expect(await refusal(text)).toMatch(message);
  });

  it.each([
    ['"x"', 'must be an object', '1:22'],
    ['{}', 'command is missing', '1:17'],
    ['{"args": []}', 'command is missing', '1:17'],
    ['{"command": 1}', 'command must be a text in double quotes', '1:34'],
    ['{"command": ""}', 'command must not be empty', '1:34'],
    ['{"command": "${EMPTY}"}', 'command is empty', '1:34'],
    ['{"command": "x", "args": "y"}', 'args must be a list of texts', '1:47'],
    ['{"command": "x", "args": ["y", 8080]}', 'args[1] must be a text in double quotes', '1:53'],
    ['{"command": "x", "env": []}', 'env must be an object of texts', '1:46'],
    ['{"command": "x", "env": {"A": true}}', 'env.A must be a text in double quotes', '1:52'],
    ['{"command": "x", "env": {"": "y"}}', 'env: the name of a variable', '1:51'],
    ['{"command": "x", "env": {"A=B": "y"}}', 'env: the name of a variable', '1:54'],
    ['{"command": "x", "cwd": null}', 'cwd must be a text', '1:46'],
    ['{"command": "x", "enabled": "no"}', 'enabled must be true or false', '1:50'],
    ['{"command": "x", "disabled": 1}', 'disabled must be true or false', '1:51'],
    ['{"command": "x", "timeout": "60"}', 'timeout must be a number of seconds', '1:50'],
    ['{"command": "x", "timeout": -1}', 'timeout must be a number of seconds', '1:50'],
    ['{"command": "x", "timeout": 1e9}', 'timeout must be at most 2147483 seconds', '1:50'],
    ['{"command": "x", "maxTimeout": -1}', 'maxTimeout must be a number of seconds', '1:53'],
    ['{"command": "x", "startTimeout": 0}', 'startTimeout must be a number of seconds, more than 0', '1:55'],
    ['{"command": "x", "maxProcesses": 0}', 'maxProcesses must be a whole number, 1 or more', '1:55'],
    ['{"command": "x", "maxInFlight": 1.5}', 'maxInFlight must be a whole number, 1 or more', '1:54'],
    ['{"command": "x", "processIdle": "1"}', 'processIdle must be a number of seconds', '1:54'],
    ['{"command": "x", "maxLine": "64M"}', 'maxLine must be a size', '1:50'],
    ['{"command": "x", "maxLine": "1GB"}', 'maxLine must be a size', '1:50'],
    ['{"command": "${header:x}"}', 'command: only args and env may take', '1:34'],
    ['{"command": "x", "cwd": "${principal}"}', 'cwd: only args and env may take', '1:46'],
    [
      '{"command": "x", "env": {"A": "Bearer ${header:Authorization}"}}',
      'env.A: this header is for the proxy itself',
      '1:52',
    ],
    ['{"command": "x", "args": ["${header:X-API-Key}"]}', 'args[0]: this header is for the proxy', '1:48'],
    ['{"command": "x", "access": ["ann"]}', 'access must be an object with "keys"', '1:49'],
    ['{"command": "x", "access": {"key": ["ann"]}}', 'access has a key that is none of "keys"', '1:49'],
    ['{"command": "x", "access": {"keys": "ann"}}', 'access.keys must be a list of texts', '1:58'],
    ['{"command": "x", "access": {"keys": [""]}}', 'access.keys[0] must not be empty', '1:59'],
    ['{"command": "x", "access": {}}', 'access lets in nobody', '1:49'],
    ['{"command": "x", "access": {"keys": [], "scopes": []}}', 'access lets in nobody', '1:49'],
    ['{"command": "x", "sharing": "all"}', 'sharing must be "auto", "shared" or "session"', '1:50'],
    ['{"command": "x", "transportType": 1}', 'transportType must be a text', '1:56'],
  ])('names server, key and place: %s', async (entry, message, place) => {
    const text = await refusal(`{"mcpServers": {"a": ${entry}}}`);
    expect(text).toContain(`servers.json:${place}: server "a": ${message}`);
  });

  it.each(['', '.', '..', 'a/b', '\ud800'])('refuses the name %j', async (name) => {
    const text = await refusal(JSON.stringify({ mcpServers: { [name]: { command: 'x' } } }));
    expect(text).toMatch(/^servers\.json:1:16: server ".*": /);
  });

  it('is refused as a whole, with every fault', async () => {
    const text = await refusal(
      '{"mcpServers": {\n"good": {"command": "x"},\n"a": {},\n"b": {"command": 1, "args": 2}\n}}',
    );
    expect(text.split('\n')).toEqual([
      'servers.json:3:1: server "a": command is missing',
      'servers.json:4:18: server "b": command must be a text in double quotes',
      'servers.json:4:29: server "b": args must be a list of texts',
    ]);
  });

  it('does not fill the screen with faults', async () => {
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`s${index}`, {}]));
    const text = await refusal(JSON.stringify({ mcpServers: many }));
    expect(text.split('\n')).toHaveLength(21);
    expect(text).toContain('and 30 more');
  });
});

describe('what is doubtful', () => {
  it('names unknown keys, and takes the rest', async () => {
    const { servers: found, warnings } = await load(
      '{"$schema": "x", "theme": 1, "mcpServers": {"a": {"command": "x", "autoApprove": []}}}',
    );
    expect(found).toHaveLength(1);
    expect(warnings).toEqual([
      'servers.json:1:18: unknown key "theme"',
      'servers.json:1:67: server "a": unknown key "autoApprove"',
    ]);
  });

  it('tells of two servers with one name, with both places; the last one holds', async () => {
    const { servers: found, warnings } = await load(
      '{"mcpServers": {\n"a": {"command": "x"},\n"b": {"command": "y"},\n"a": {"command": "z"}}}',
    );
    expect(found.map(({ name, command }) => [name, command])).toEqual([
      ['b', 'y'],
      ['a', 'z'],
    ]);
    expect(warnings).toEqual([
      'servers.json:2:1: "a" is there again at servers.json:4:1; the last one holds',
    ]);
  });

  it('tells of a key that is there twice', async () => {
    const { servers: found, warnings } = await load(
      '{"mcpServers": {"a": {"command": "x", "command": "y"}}}',
    );
    expect(found).toMatchObject([{ command: 'y' }]);
    expect(warnings).toEqual([
      expect.stringMatching(/^servers\.json:1:23: server "a": "command" is there again/),
    ]);
  });
});

describe('variables', () => {
  it('are taken in every value', async () => {
    const { servers: found } = await servers({
      a: {
        command: '${HOME}/bin/x',
        args: ['--token=${TOKEN}', '$${TOKEN}'],
        env: { A: '${NOPE:-none}', B: '${EMPTY:-full}' },
        cwd: '${HOME}',
      },
    });
    expect(found).toMatchObject([
      {
        command: '/root/bin/x',
        args: ['--token=hunter2', '${TOKEN}'],
        env: { A: 'none', B: 'full' },
        cwd: '/root',
      },
    ]);
  });

  it('are an error where they are not set', async () => {
    const text = await refusal('{"mcpServers": {"a": {"command": "x", "env": {"KEY": "${NOPE}${TOKEN}"}}}}');
    expect(text).toMatch(
      /^servers\.json:1:54: server "a": env\.KEY: the environment variable NOPE is not set/,
    );
    expect(text).not.toContain('hunter2');
  });

  it('are told of where they are none', async () => {
    const { servers: found, warnings } = await servers({ a: { command: 'x', args: ['${input:token}'] } });
    expect(found).toMatchObject([{ args: ['${input:token}'] }]);
    expect(warnings).toEqual([expect.stringMatching(/server "a": args\[0\]: a "\$\{" begins no variable/)]);
  });
});
