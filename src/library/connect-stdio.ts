import type { Readable, Writable } from 'node:stream';
import { type ClientMode, type ClientModeOptions, connectClient } from '../client.js';
import type { ProxyEvent } from '../observability/events.js';
import { SIGN_IN_MS, signInOf } from '../sign-in.js';
import { emitOf } from './options.js';

/** What is not set is as on the command line; times are in milliseconds. */
export interface ConnectStdioOptions
  extends Partial<Omit<ClientModeOptions, 'url' | 'headers' | 'signIn' | 'observers' | 'watch'>> {
  /** For every request to the remote server. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Whether a person is asked to sign in, in a browser, where the remote server wants that. Default: false. */
  readonly signIn?: boolean;
  /** Where the client's messages come from, a line each. Default: `process.stdin`. */
  readonly input?: Readable;
  /** Where those to the client go. Default: `process.stdout`. */
  readonly output?: Writable;
  /** Told what happens; texts hold no secrets. Default: nobody. */
  readonly onEvent?: (event: ProxyEvent) => void;
}

/**
 * Serves a remote server on stdio. It connects when the client's first request comes, and ends when the input does.
 * Throws an `Error` in words for a URL, headers or a CA bundle that cannot be used.
 */
export function connectStdio(url: string | URL, options: ConnectStdioOptions = {}): ClientMode {
  const { headers = {}, signIn = false, input = process.stdin, output = process.stdout, ...rest } = options;
  const { onEvent: _, ...others } = rest;
  const emit = emitOf(options);
  const target = new URL(url);
  const asked = signIn
    ? signInOf(
        target,
        {
          client: {},
          browser: true,
          device: false,
          keyFile: undefined,
          redirectPort: undefined,
          timeout: SIGN_IN_MS,
        },
        emit,
      )
    : {};
  return connectClient(
    {
      transport: 'auto',
      era: 'auto',
      verify: true,
      ...others,
      ...asked,
      url: target,
      headers: Object.entries(headers).map(([name, value]) => [name, value]),
    },
    { input, output },
    emit,
  );
}
