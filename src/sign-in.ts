import { readFileSync } from 'node:fs';
import { crypto } from './builtins.js';
import { browserCommand } from './oauth/browser.js';
import { credentialsFile, FileStore } from './oauth/file-store.js';
import type { ClientIdentity } from './oauth/grant.js';
import { LastingStore } from './oauth/lasting-store.js';
import { type CredentialStore, MemoryStore } from './oauth/store.js';
import { type Emit, wordsOf } from './observability/events.js';
import type { SignIn } from './upstream/remote.js';

/**
 * How long a request waits for a person to sign in, in milliseconds: the client at stdin then still gets words,
 * since most give `initialize` a minute.
 */
export const SIGN_IN_MS = 50_000;

export interface SignInOptions {
  readonly client: ClientIdentity;
  /** Whether a browser may be opened. */
  readonly browser: boolean;
  /** Whether it is done on another device, where the authorization server has that. */
  readonly device: boolean;
  /** The path of a file with the client's private key. */
  readonly keyFile: string | undefined;
  /** The port of the redirect URI; undefined: any that is free. */
  readonly redirectPort: number | undefined;
  /** How long, in ms, a request waits for it. */
  readonly timeout: number;
}

/** How somebody signs in, with what is kept of it. Throws an `Error` in words for a key that cannot be used. */
export function signInOf(
  url: URL,
  options: SignInOptions | undefined,
  emit: Emit,
): { readonly signIn?: SignIn } {
  if (options === undefined) return {};
  const { timeout, device, keyFile, redirectPort } = options;
  const client = {
    ...options.client,
    ...(keyFile === undefined ? {} : { privateKey: privateKeyIn(keyFile) }),
  };
  const browser = options.browser ? browserCommand(process.env, process.platform) : undefined;
  const store = client.assertion === undefined ? lastingStore(url, emit) : new MemoryStore();
  return { signIn: { client, timeout, browser, device, redirectPort, store } };
}

/** Not for who is known by a file: what its tokens come to is for whom that file names now, and is got again. */
function lastingStore(url: URL, emit: Emit): CredentialStore {
  const { path, keychain } = credentialsFile(process.env, process.platform);
  const tell = (text: string): void => emit({ level: 'warning', text });
  return new LastingStore(new FileStore(path, keychain, url, tell), path, emit);
}

/** In PEM form (PKCS #8). Throws an `Error` in words. */
function privateKeyIn(path: string): string {
  try {
    const key = crypto().createPrivateKey(readFileSync(path));
    return key.export({ type: 'pkcs8', format: 'pem' }).toString();
  } catch (error) {
    const isUnread = error instanceof Error && 'syscall' in error;
    const reason = isUnread ? wordsOf(error) : 'it holds no private key in PEM form without a passphrase';
    throw new Error(`${path} (--client-key-file) cannot be used: ${reason}`);
  }
}
