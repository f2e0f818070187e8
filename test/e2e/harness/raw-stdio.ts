/** A client of `mcp-proxy URL`, line by line. */

import { end, type Program, start } from './processes.js';
import { PROXY } from './proxy.js';
import type { Message } from './raw-http.js';
import { type ModernOptions, modernBody } from './raw-modern.js';
import { initialize } from './raw-session.js';
import type { Scope } from './scope.js';

export class RawStdio {
  readonly program: Program;

  constructor(
    scope: Scope,
    url: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ) {
    this.program = scope.add(start(process.execPath, [PROXY, ...args, url], { env }), end);
  }

  writeText(text: string): void {
    this.program.write(`${text}\n`);
  }

  write(message: object): void {
    this.writeText(JSON.stringify({ jsonrpc: '2.0', ...message }));
  }

  /** The line that holds the message that fits. */
  line(fits: (message: Message) => boolean): Promise<string> {
    return this.program.line('stdout', (line) => (fits(JSON.parse(line)) ? line : undefined));
  }

  async answer(id: unknown): Promise<Message> {
    return JSON.parse(await this.line((message) => message.id === id && message.method === undefined));
  }

  async begin(version = '2025-11-25', capabilities = {}): Promise<Message> {
    this.writeText(initialize({ version, capabilities }));
    const answer = await this.answer('init');
    this.write({ method: 'notifications/initialized' });
    return answer;
  }

  async call(id: unknown, name: string, args: object = {}): Promise<Message> {
    this.write({ id, method: 'tools/call', params: { name, arguments: args } });
    return this.answer(id);
  }

  /** A request of the modern era, and its answer. */
  modern(
    method: string,
    params: object,
    options: ModernOptions & { readonly id: string | number },
  ): Promise<Message> {
    this.writeText(modernBody(method, params, options));
    return this.answer(options.id);
  }
}
