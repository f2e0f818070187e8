import { expect, test } from 'vitest';
import { childEnvironment } from '../../../src/process/environment.js';

const parent = { HOME: '/home/ann', PATH: '/bin', TERM: '() { evil; }', SECRET: 's', UNSET: undefined };

test('only what a process needs to start is passed on, and what the user configured', () => {
  const environment = childEnvironment({ env: { KEY: 'value' }, passEnvironment: false }, parent, 'linux');
  expect(environment).toEqual({ HOME: '/home/ann', PATH: '/bin', KEY: 'value' });
});

test('the whole environment is passed on where that is asked for; the user wins', () => {
  const environment = childEnvironment({ env: { PATH: '/opt' }, passEnvironment: true }, parent, 'linux');
  expect(environment).toEqual({ HOME: '/home/ann', PATH: '/opt', TERM: '() { evil; }', SECRET: 's' });
});

test("the keys of the proxy's own clients are given to no server", () => {
  const keys = { MCP_PROXY_API_KEYS: 'ann:k' };
  expect(
    childEnvironment({ env: {}, passEnvironment: true }, { ...parent, ...keys }, 'linux'),
  ).not.toHaveProperty('MCP_PROXY_API_KEYS');
  expect(childEnvironment({ env: {}, passEnvironment: true }, { Mcp_Proxy_Api_Keys: 'k' }, 'win32')).toEqual(
    {},
  );
});

test('on Windows, names that differ in case only are one variable', () => {
  const environment = childEnvironment(
    { env: { PATH: 'C:\\mine' }, passEnvironment: false },
    { Path: 'C:\\Windows', SystemRoot: 'C:\\Windows', HOME: 'x' },
    'win32',
  );
  expect(environment).toEqual({ PATH: 'C:\\mine', SystemRoot: 'C:\\Windows' });
});
