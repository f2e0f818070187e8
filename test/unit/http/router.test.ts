import { describe, expect, it } from 'vitest';
import { pathOf, route, targetPath } from '../../../src/http/router.js';

describe('route', () => {
  it.each([
    ['/mcp', { kind: 'mcp', server: undefined }],
    ['/mcp/', { kind: 'mcp', server: undefined }],
    ['/sse', { kind: 'sse', server: undefined }],
    ['/sse/', { kind: 'sse', server: undefined }],
    ['/messages', { kind: 'messages', server: undefined }],
    ['/messages/', { kind: 'messages', server: undefined }],
    ['/status', { kind: 'status' }],
    ['/status/', { kind: 'status' }],
    ['/healthz', { kind: 'healthz' }],
    ['/metrics', { kind: 'metrics' }],
    ['/readyz/', { kind: 'readyz' }],
    ['/servers/a/mcp', { kind: 'mcp', server: 'a' }],
    ['/servers/a/mcp/', { kind: 'mcp', server: 'a' }],
    ['/servers/a/sse', { kind: 'sse', server: 'a' }],
    ['/servers/a/messages/', { kind: 'messages', server: 'a' }],
    ['/servers/a%20b/mcp', { kind: 'mcp', server: 'a b' }],
    ['/servers/%C3%A9%F0%9F%98%80/mcp', { kind: 'mcp', server: 'é😀' }],
    ['/servers/a+b/mcp', { kind: 'mcp', server: 'a+b' }],
    ['/servers/servers/mcp', { kind: 'mcp', server: 'servers' }],
    ['/servers/mcp/mcp', { kind: 'mcp', server: 'mcp' }],
    ['/servers/%2e%2e/mcp', { kind: 'mcp', server: '..' }],
    ['/servers/a%2Fb/mcp', { kind: 'mcp', server: 'a/b' }],
    ['/servers/__proto__/mcp', { kind: 'mcp', server: '__proto__' }],
  ])('%s', (path, expected) => {
    expect(route(path)).toEqual(expected);
  });

  it.each([
    '',
    '/',
    '//',
    '//mcp',
    '/mcp//',
    '/MCP',
    '/m%63p',
    '/mcp/x',
    '/x',
    '/servers',
    '/servers/',
    '/servers/a',
    '/servers/a/',
    '/servers/a/status',
    '/servers/a/x',
    '/servers/a/mcp/x',
    '/servers/a/b/mcp',
    '/servers//a/mcp',
    '/servers/%/mcp',
    '/servers/%ff/mcp',
    '/servers/../mcp',
    '/./mcp',
    '/status/x',
    '/constructor',
    'mcp',
    '\\mcp',
  ])('%s is nothing, or the name of nobody', (path) => {
    const found = route(path);
    if (found.kind !== 'unknown') expect(found).toMatchObject({ server: '..' });
  });
});

describe('pathOf', () => {
  it.each(['a', 'a b', 'é/😀', '..', '%41', '?#', '__proto__', 'a+b'])(
    'leads back to the server "%s"',
    (server) => {
      for (const kind of ['mcp', 'sse', 'messages'] as const) {
        const path = pathOf(kind, server);
        expect(route(path)).toEqual({ kind, server });
        expect(route(targetPath(path))).toEqual({ kind, server });
        expect(path).toMatch(/^\/servers\/[\w.!~*'()%-]+\/\w+\/?$/);
      }
    },
  );
});

describe('targetPath', () => {
  it.each([
    ['/mcp?x=/y', '/mcp'],
    ['/mcp#x', '/mcp'],
    ['http://host:1/mcp?x', '/mcp'],
    ['HTTPS://host/mcp', '/mcp'],
    ['http://host', ''],
    ['*', '*'],
    ['//evil/mcp', '//evil/mcp'],
    ['', ''],
  ])('of %s is %s', (target, path) => {
    expect(targetPath(target)).toBe(path);
  });
});
