/** The built command with a server behind it that has nothing to defend itself with. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { StartOptions } from '../../e2e/harness/processes.js';
import { type StartedProxy, startProxy } from '../../e2e/harness/proxy.js';
import { http } from '../../e2e/harness/raw-http.js';
import type { Scope } from '../../e2e/harness/scope.js';

/** Words of the command of that server. */
export const LENIENT = [
  process.execPath,
  join(import.meta.dirname, '../../fixtures/servers/lenient.mjs'),
] as const;

const JSON_BODY = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

export class Target {
  readonly proxy: StartedProxy;
  readonly #headers: Readonly<Record<string, string>>;

  private constructor(proxy: StartedProxy, headers: Readonly<Record<string, string>>) {
    this.proxy = proxy;
    this.#headers = headers;
  }

  /**
   * Without sessions, so that one POST is enough to reach the server, which is the same for all.
   *
   * @param headers that the innocent client sends
   */
  static async start(
    scope: Scope,
    args: readonly string[] = [],
    options: StartOptions & { readonly headers?: Readonly<Record<string, string>> } = {},
  ): Promise<Target> {
    const all = ['--stateless', '--upstream-era', 'legacy', ...args, '--', ...LENIENT];
    return new Target(await startProxy(scope, all, options), options.headers ?? {});
  }

  get mcp(): string {
    return `${this.proxy.url}/mcp`;
  }

  /** POSTs octets as they are; the status and the text of the answer. */
  async post(
    octets: string,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<{ readonly status: number; readonly text: string }> {
    const body = Buffer.from(octets, 'latin1');
    const all = { ...JSON_BODY, ...this.#headers, ...headers };
    const answer = await http(this.mcp, { method: 'POST', headers: all, body });
    return { status: answer.status, text: await answer.text() };
  }

  /** What a client that does no harm gets: the result of its request. */
  async ask(method: string, params: object = {}): Promise<Readonly<Record<string, unknown>>> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 'innocent', method, params });
    const { text } = await this.post(body);
    const message = JSON.parse(text);
    expect(message, text).toMatchObject({ id: 'innocent', result: {} });
    return message.result;
  }

  /** Fails where an innocent client is not served. */
  async serves(): Promise<void> {
    expect(await this.ask('ping')).toEqual({ took: 'ping', name: null });
  }

  /** All lines that the server has read, as octets. */
  async lines(): Promise<string[]> {
    const { lines } = await this.ask('x/lines');
    if (!Array.isArray(lines)) throw new Error('no lines');
    return lines.map((line) => Buffer.from(String(line), 'base64').toString('latin1'));
  }

  /** The most memory that the proxy had so far, in MiB. Linux only; elsewhere 0. */
  peakMiB(): number {
    return peakMiB(this.proxy.program.pid);
  }
}

/** The most memory that a process had so far, in MiB. Linux only; elsewhere 0. */
export function peakMiB(pid: number): number {
  if (process.platform !== 'linux') return 0;
  return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
}

/** Lines of a request's head, and its body. */
export function raw(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}
