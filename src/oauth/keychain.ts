/** The system's keychain: macOS, Windows, and the Secret Service of a desktop. */
export interface Keychain {
  /** Undefined: there is nothing of that name, or the keychain is not to be had now. */
  get(name: string): Promise<string | undefined>;
  /** False: it was not taken, and has to be kept elsewhere. */
  set(name: string, value: string): Promise<boolean>;
  remove(name: string): Promise<void>;
}

/** Under which everything of this program stands there. */
const SERVICE = 'mcp-proxy';

/** The kernel's keys, which the package takes where a Linux has no Secret Service, are gone with the next start. */
const OPTIONS = { linux: { store: 'secret-service' } } as const;

/** Longest time, in ms, for one question: a keychain that is locked asks its person, who may not be there. */
const PATIENCE = 10_000;

/** That of the system. It is loaded with its first use; where it cannot be had, nothing is in it, and nothing gets in. */
export function systemKeychain(): Keychain {
  const ask = async <T>(
    name: string,
    question: (entry: Entry, signal: AbortSignal) => Promise<T>,
  ): Promise<T | undefined> => {
    try {
      const { AsyncEntry } = await import('@napi-rs/keyring');
      return await question(new AsyncEntry(SERVICE, name, OPTIONS), AbortSignal.timeout(PATIENCE));
    } catch {
      return undefined; // no package for this system, no keychain, or one that is locked: the file does instead
    }
  };
  return {
    get: async (name) => (await ask(name, (entry, signal) => entry.getPassword(signal))) ?? undefined,
    set: async (name, value) => {
      const stored = await ask(name, async (entry, signal) => {
        await entry.setPassword(value, signal);
        return (await entry.getPassword(signal)) === value;
      });
      return stored === true;
    },
    remove: async (name) => {
      await ask(name, (entry, signal) => entry.deletePassword(signal));
    },
  };
}

type Entry = InstanceType<typeof import('@napi-rs/keyring').AsyncEntry>;

/** Where only the file is to be used. */
export const NO_KEYCHAIN: Keychain = {
  get: async () => undefined,
  set: async () => false,
  remove: async () => undefined,
};
