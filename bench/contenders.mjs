// One entry per contender. Add another proxy with one line.
//  dir: 'A' stdio server -> HTTP   | 'B' stdio client -> remote HTTP
//  kind: 'http' (default, driven over HTTP) | 'stdio' (driven over pipes)
//  spawn({port, backend, url}) -> argv.   backend = argv of the stdio server, url = remote endpoint (dir B)
//  sharedChild: one backend process for all sessions;  floor: name of the contender ratios are taken against
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const here = path.dirname(fileURLToPath(import.meta.url));
// BENCH_PEERS: the folder that install-peers.sh filled; OURS: the command under test, this checkout's by default
const C = path.resolve(process.env.BENCH_PEERS ?? path.join(here, 'peers')),
  OURS = (process.env.OURS ?? `${process.execPath} ${path.join(here, '../bin/mcp-proxy.cjs')}`)
    .split(' ')
    .filter(Boolean),
  F = path.join(here, 'floors'),
  BK = path.join(here, 'backends');
const sg = `${C}/supergateway/node_modules/supergateway/dist/index.js`;
const pp = `${C}/mcp-proxy/node_modules/mcp-proxy/dist/bin/mcp-proxy.mjs`;
const mr = `${C}/mcp-remote/node_modules/mcp-remote/dist/proxy.js`;
const py = process.env.SEED_PY ?? '';
const n = process.execPath;
export const BACKENDS = {
  echo: [n, `${BK}/echo-stdio.mjs`],
  light: [`${C}/echo-light`],
  everything: [
    n,
    `${C}/everything/node_modules/@modelcontextprotocol/server-everything/dist/index.js`,
    'stdio',
  ],
};
export const HTTP_BACKEND = `${BK}/echo-http.mjs`;
const join = (b) => b.join(' ');
const ours = OURS.length
  ? [
      {
        name: 'ours',
        dir: 'A',
        path: '/mcp',
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--', ...backend],
      },
      {
        name: 'ours-session',
        dir: 'A',
        path: '/mcp',
        perSession: true,
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--sharing', 'session', '--', ...backend],
      },
      {
        name: 'ours-sse',
        dir: 'A',
        transport: 'sse',
        path: '/sse',
        floor: 'floor-sse',
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--', ...backend],
      },
      {
        name: 'ours-keys',
        dir: 'A',
        path: '/mcp',
        headers: { authorization: 'Bearer bench-key-0123456789abcdef' },
        env: { MCP_PROXY_API_KEYS: 'bench:bench-key-0123456789abcdef' },
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--', ...backend],
      },
      {
        name: 'ours-translated',
        dir: 'A',
        path: '/mcp',
        transport: 'modern',
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--', ...backend],
      },
      {
        name: 'ours-modern', // a modern server: no translation
        dir: 'A',
        path: '/mcp',
        transport: 'modern',
        spawn: ({ port }) => [...OURS, '--port', port, '--', n, `${BK}/echo-stdio.mjs`, 'modern'],
      },
      {
        name: 'ours-inspect',
        dir: 'A',
        path: '/mcp',
        spawn: ({ port, backend }) => [...OURS, '--port', port, '--inspect', '--', ...backend],
      },
      {
        name: 'ours-chained',
        dir: 'A',
        path: '/mcp',
        remote: '/mcp',
        spawn: ({ port, url }) => [...OURS, '--port', port, '--', ...OURS, url],
      },
      {
        name: 'b-ours',
        dir: 'B',
        kind: 'stdio',
        remote: '/mcp',
        floor: 'b-floor',
        spawn: ({ url }) => [...OURS, url],
      },
      {
        name: 'b-ours-sse',
        dir: 'B',
        kind: 'stdio',
        remote: '/sse',
        floor: 'b-floor-sse',
        spawn: ({ url }) => [...OURS, url],
      },
    ]
  : [];
export const contenders = [
  ...ours,
  // ---- A, Streamable HTTP
  { name: 'direct-stdio', dir: 'A', kind: 'stdio', spawn: ({ backend }) => backend },
  {
    name: 'floor',
    dir: 'A',
    path: '/mcp',
    spawn: ({ port, backend }) => [n, `${F}/relay-a.mjs`, '--port', port, '--', ...backend],
  },
  {
    name: 'floor-persession',
    dir: 'A',
    path: '/mcp',
    perSession: true,
    spawn: ({ port, backend }) => [n, `${F}/relay-a.mjs`, '--port', port, '--per-session', '--', ...backend],
  },
  {
    name: 'punkpeye',
    dir: 'A',
    path: '/mcp',
    spawn: ({ port, backend }) => [
      n,
      pp,
      '--port',
      port,
      '--host',
      '127.0.0.1',
      '--maxBodySize',
      '0',
      '--',
      ...backend,
    ],
  },
  {
    name: 'punkpeye-noevents',
    dir: 'A',
    path: '/mcp',
    spawn: ({ port, backend }) => [
      n,
      pp,
      '--port',
      port,
      '--host',
      '127.0.0.1',
      '--maxBodySize',
      '0',
      '--no-eventStore',
      '--',
      ...backend,
    ],
  },
  {
    name: 'punkpeye-stateless',
    dir: 'A',
    path: '/mcp',
    spawn: ({ port, backend }) => [
      n,
      pp,
      '--port',
      port,
      '--host',
      '127.0.0.1',
      '--maxBodySize',
      '0',
      '--stateless',
      '--',
      ...backend,
    ],
  },
  {
    name: 'supergateway',
    dir: 'A',
    path: '/mcp',
    perSession: true,
    spawn: ({ port, backend }) => [
      n,
      sg,
      '--stdio',
      join(backend),
      '--outputTransport',
      'streamableHttp',
      '--stateful',
      '--port',
      port,
      '--logLevel',
      'none',
    ],
  },
  {
    name: 'supergateway-log',
    dir: 'A',
    path: '/mcp',
    perSession: true,
    spawn: ({ port, backend }) => [
      n,
      sg,
      '--stdio',
      join(backend),
      '--outputTransport',
      'streamableHttp',
      '--stateful',
      '--port',
      port,
    ],
  },
  {
    name: 'seed-py',
    dir: 'A',
    path: '/mcp',
    spawn: ({ port, backend }) => [py, '--port', port, '--pass-environment', '--', ...backend],
  },
  // ---- A, legacy SSE
  {
    name: 'floor-sse',
    dir: 'A',
    transport: 'sse',
    path: '/sse',
    floor: 'floor-sse',
    spawn: ({ port, backend }) => [n, `${F}/relay-a.mjs`, '--port', port, '--', ...backend],
  },
  {
    name: 'punkpeye-sse',
    dir: 'A',
    transport: 'sse',
    path: '/sse',
    floor: 'floor-sse',
    spawn: ({ port, backend }) => [n, pp, '--port', port, '--host', '127.0.0.1', '--', ...backend],
  },
  {
    name: 'supergateway-sse',
    dir: 'A',
    transport: 'sse',
    path: '/sse',
    floor: 'floor-sse',
    spawn: ({ port, backend }) => [n, sg, '--stdio', join(backend), '--port', port, '--logLevel', 'none'],
  },
  {
    name: 'seed-py-sse',
    dir: 'A',
    transport: 'sse',
    path: '/sse',
    floor: 'floor-sse',
    spawn: ({ port, backend }) => [py, '--port', port, '--pass-environment', '--', ...backend],
  },
  // ---- B
  {
    name: 'b-floor',
    dir: 'B',
    kind: 'stdio',
    remote: '/mcp',
    floor: 'b-floor',
    spawn: ({ url }) => [n, `${F}/relay-b.mjs`, url],
  },
  {
    name: 'b-mcp-remote',
    dir: 'B',
    kind: 'stdio',
    remote: '/mcp',
    floor: 'b-floor',
    env: { MCP_REMOTE_CONFIG_DIR: '' + (process.env.TMPDIR ?? '/tmp') + '/bench-mcp-remote' },
    spawn: ({ url }) => [n, mr, url, '--allow-http', '--silent', '--transport', 'http-only'],
  },
  {
    name: 'b-supergateway',
    dir: 'B',
    kind: 'stdio',
    remote: '/mcp',
    floor: 'b-floor',
    spawn: ({ url }) => [n, sg, '--streamableHttp', url, '--logLevel', 'none'],
  },
  {
    name: 'b-seed-py',
    dir: 'B',
    kind: 'stdio',
    remote: '/mcp',
    floor: 'b-floor',
    spawn: ({ url }) => [py, '--transport', 'streamablehttp', url],
  },
  {
    name: 'b-floor-sse',
    dir: 'B',
    kind: 'stdio',
    remote: '/sse',
    floor: 'b-floor-sse',
    spawn: ({ url }) => [n, `${F}/relay-b.mjs`, url],
  },
  {
    name: 'b-mcp-remote-sse',
    dir: 'B',
    kind: 'stdio',
    remote: '/sse',
    floor: 'b-floor-sse',
    env: { MCP_REMOTE_CONFIG_DIR: '' + (process.env.TMPDIR ?? '/tmp') + '/bench-mcp-remote' },
    spawn: ({ url }) => [n, mr, url, '--allow-http', '--silent', '--transport', 'sse-only'],
  },
  {
    name: 'b-supergateway-sse',
    dir: 'B',
    kind: 'stdio',
    remote: '/sse',
    floor: 'b-floor-sse',
    spawn: ({ url }) => [n, sg, '--sse', url, '--logLevel', 'none'],
  },
  {
    name: 'b-seed-py-sse',
    dir: 'B',
    kind: 'stdio',
    remote: '/sse',
    floor: 'b-floor-sse',
    spawn: ({ url }) => [py, url],
  },
];
for (const c of contenders) {
  c.kind ??= 'http';
  c.floor ??= 'floor';
  const s = c.spawn;
  c.spawn = (o) => s(o).map(String);
}
export const npmContenders = { supergateway: sg, 'mcp-proxy': pp, 'mcp-remote': mr };
export const pySeed = py;
