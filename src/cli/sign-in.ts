import { readFileSync } from 'node:fs';
import { crypto } from '../builtins.js';
import { browserCommand } from '../oauth/browser.js';
import { credentialsFile, FileStore } from '../oauth/file-store.js';
import { LastingStore } from '../oauth/lasting-store.js';
import { type CredentialStore, MemoryStore } from '../oauth/store.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { SignIn } from '../upstream/remote.js';
import type { SignInOptions } from './client-options.js';

/** How somebody signs in, with what is kept of it. Throws an `Error` in words for a key that cannot be used. */
export function signInOf(
  url: URL,
  options: SignInOptions | undefined,
  emit: Emit,
  onAsked: (isAsked: boolean) => void,
): { readonly signIn?: SignIn } {
  if (options === undefined) return {};
  const { timeout, device, keyFile, redirectPort } = options;
  const client = {
    ...options.client,
    ...(keyFile === undefined ? {} : { privateKey: privateKeyIn(keyFile) }),
  };
  const browser = options.browser ? browserCommand(process.env, process.platform) : undefined;
  const store = client.assertion === undefined ? lastingStore(url, emit) : new MemoryStore();
  return { signIn: { client, timeout, browser, device, redirectPort, store, onAsked } };
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
