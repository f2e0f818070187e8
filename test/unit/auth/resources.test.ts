import { describe, expect, it } from 'vitest';
import { Resources, WHOLE } from '../../../src/auth/resources.js';

const A = { path: '/servers/a/mcp', paths: ['/servers/a/mcp', '/servers/a/sse'] };
const B = { path: '/servers/b/mcp', paths: ['/servers/b/mcp', '/servers/b/sse'] };
const OWN = ['http://127.0.0.1:8080', 'http://localhost:8080'];

function resources(audiences: string[] = [], basePath = ''): Resources {
  const made = new Resources(audiences, basePath);
  made.listening(OWN);
  return made;
}

describe('by itself', () => {
  const own = resources();

  it('tokens are for where it listens, as a whole or for one server', () => {
    for (const audience of [
      ...OWN,
      ...OWN.map((url) => `${url}/`),
      `${OWN[1]}/servers/a/mcp`,
      `${OWN[0]}/servers/a/sse`,
    ]) {
      expect(own.isFor(['x', audience], A), audience).toBe(true);
    }
    expect(own.isFor([`${OWN[0]}/servers/a/mcp`], B)).toBe(false);
    expect(own.isFor([`${OWN[0]}/servers/a/mcp`], WHOLE)).toBe(false);
    for (const audience of [
      'http://localhost:8081',
      'https://localhost:8080',
      'http://localhost:8080/servers',
      '',
      'x',
    ]) {
      expect(own.isFor([audience], A), audience).toBe(false);
    }
    expect(own.isFor([], A)).toBe(false);
  });

  it('it is called as the client calls it, where that is one of its names, and never otherwise', () => {
    expect(own.urlOf(A, 'localhost:8080')).toBe('http://localhost:8080/servers/a/mcp');
    expect(own.urlOf(A, 'LOCALHOST:8080')).toBe('http://localhost:8080/servers/a/mcp');
    for (const host of ['evil.example', 'localhost:9', '"', undefined]) {
      expect(own.urlOf(A, host)).toBe('http://127.0.0.1:8080/servers/a/mcp');
    }
    expect(own.metadataUrl(A, undefined)).toBe(
      'http://127.0.0.1:8080/.well-known/oauth-protected-resource/servers/a/mcp',
    );
    expect(own.metadataUrl(WHOLE, undefined)).toBe(
      'http://127.0.0.1:8080/.well-known/oauth-protected-resource',
    );
  });

  it('has the prefix under which clients see it', () => {
    const under = resources([], '/tools/');
    expect(under.urlOf(A, undefined)).toBe('http://127.0.0.1:8080/tools/servers/a/mcp');
    expect(under.withoutPrefix('/tools/mcp')).toBe('/mcp');
    expect(under.withoutPrefix('/toolsmcp')).toBe('/toolsmcp');
  });
});

describe('with audiences', () => {
  const given = resources(['api://tools', 'https://tools.example/x/']);

  it('tokens are for those only, and for the servers below those that are URLs', () => {
    for (const audience of [
      'api://tools',
      'https://tools.example/x',
      'https://tools.example/x/servers/a/mcp',
    ]) {
      expect(given.isFor([audience], A), audience).toBe(true);
    }
    for (const audience of [
      ...OWN,
      'api://tools/servers/a/mcp',
      'https://tools.example',
      'https://tools.example/x/servers/b/mcp',
    ]) {
      expect(given.isFor([audience], A), audience).toBe(false);
    }
  });

  it('the URL is where clients find it', () => {
    expect(given.urlOf(A, 'localhost:8080')).toBe('https://tools.example/x/servers/a/mcp');
    expect(resources(['api://tools']).urlOf(A, 'localhost:8080')).toBe('http://localhost:8080/servers/a/mcp');
  });
});
