import { request } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { Callback, isServed } from '../../../src/oauth/callback.js';
import { req } from '../../requirements.js';
import { guards } from '../../security.js';

const open: Callback[] = [];
afterEach(() => {
  for (const callback of open.splice(0)) callback.close();
});

async function listen(port?: number): Promise<Callback> {
  const callback = await Callback.listen(port);
  open.push(callback);
  return callback;
}

interface Got {
  readonly status: number | undefined;
  readonly text: string;
  readonly headers: Readonly<Record<string, unknown>>;
}

function get(callback: Callback, path: string, host?: string, method = 'GET'): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = host === undefined ? {} : { host };
    const sent = request({ host: '127.0.0.1', port: callback.port, path, method, headers }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode, text, headers: response.headers }));
    });
    sent.on('error', reject).end();
  });
}

describe('the listener that the browser comes back to', () => {
  it(`${req('auth.client.state')} takes one answer with the right state, and repeats nothing of it`, async () => {
    const callback = await listen();
    const answer = callback.answer('the-state');
    const page = get(callback, '/callback?state=the-state&code=<b>canary</b>&iss=https://a');
    const { params, respond } = await answer;
    expect(params.get('code')).toBe('<b>canary</b>');
    respond('done');
    const { status, text, headers } = await page;
    expect(status).toBe(200);
    expect(text).toMatch(/You are signed in/);
    expect(text).not.toMatch(/canary/);
    expect(headers).toMatchObject({ 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' });
    expect(headers['content-security-policy']).toMatch(/default-src 'none'/);
    expect((await get(callback, '/callback?state=the-state&code=again')).status).toBe(400);
  });

  it.each([
    ['without the state', '/callback?code=x', undefined, 'GET', 400],
    ['with another state', '/callback?code=x&state=other', undefined, 'GET', 400],
    ['on another path', '/?code=x&state=s', undefined, 'GET', 404],
    ['under another name of this machine', '/callback?code=x&state=s', 'evil.example', 'GET', 404],
    ['with another method', '/callback?code=x&state=s', undefined, 'POST', 405],
    ['with a path that is none', '//', undefined, 'GET', 404],
  ])(
    `${guards('oauth.callback')} turns away who comes %s, and goes on`,
    async (_, path, host, method, status) => {
      const callback = await listen();
      const answer = callback.answer('s');
      const got = await get(callback, path, host, method);
      expect(got.status).toBe(status);
      expect(got.text).not.toMatch(/code|evil/);
      const page = get(callback, '/callback?code=right&state=s');
      const { params, respond } = await answer;
      expect(params.get('code')).toBe('right');
      respond('failed');
      expect((await page).text).toMatch(/The sign-in has failed/);
    },
  );

  it('is on the port that is asked for, or where that is in use on another', async () => {
    const first = await listen();
    expect((await listen(first.port)).port).not.toBe(first.port);
    first.close();
    await expect.poll(async () => (await listen(first.port)).port).toBe(first.port);
  });

  it('is known to be there, or not', async () => {
    const callback = await listen();
    expect(await isServed(callback.port)).toBe(true);
    callback.close();
    await expect.poll(() => isServed(callback.port)).toBe(false);
  });

  it('is closed although a browser holds a connection that it does not use', async () => {
    const callback = await listen();
    const { connect } = await import('node:net');
    const idle = connect(callback.port, '127.0.0.1');
    await new Promise((resolve) => idle.once('connect', resolve));
    const closed = new Promise((resolve) => idle.once('close', resolve));
    callback.close();
    await closed;
  });
});
