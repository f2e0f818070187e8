import { chmod, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import type { ZodType } from 'zod';
import { crypto } from '../builtins.js';
import { asRecord } from '../jsonrpc/message.js';
import type { Grant, Pending, Registration } from './grant.js';
import { type Keychain, NO_KEYCHAIN, systemKeychain } from './keychain.js';
import { locked } from './lock.js';
import { closeToOthers } from './permissions.js';
import type { CredentialStore } from './store.js';

type Environment = Readonly<Record<string, string | undefined>>;

/** By name: what is kept, as JSON; null: it is in the keychain. */
type Entries = Readonly<Record<string, string | null>>;

const VERSION = 1;

/** Where credentials are kept, and whether in the keychain too: not where the person names a file. */
export function credentialsFile(
  env: Environment,
  platform: NodeJS.Platform,
): { readonly path: string; readonly keychain: Keychain } {
  if (env.MCP_PROXY_CREDENTIALS_FILE) return { path: env.MCP_PROXY_CREDENTIALS_FILE, keychain: NO_KEYCHAIN };
  const home = homedir();
  const directory =
    platform === 'win32'
      ? (env.APPDATA ?? join(home, 'AppData', 'Roaming'))
      : platform === 'darwin'
        ? join(home, 'Library', 'Application Support')
        : env.XDG_CONFIG_HOME || join(home, '.config');
  return { path: join(directory, 'mcp-proxy', 'credentials.json'), keychain: systemKeychain() };
}

/**
 * What is kept of the sign-ins of this person, for one remote server, across the starts of the program and among all
 * that run. The file says what there is; the values are in the keychain, or, where there is none, in the
 * file, which only its owner can read. Tokens stand under the server and the issuer, clients under the issuer.
 */
export class FileStore implements CredentialStore {
  readonly #path: string;
  readonly #keychain: Keychain;
  readonly #server: string;
  readonly #tell: (text: string) => void;
  readonly #never = new AbortController().signal;
  #guarded: Promise<void> | undefined;

  /** @param tell is told, once, that others could get at the file */
  constructor(path: string, keychain: Keychain, server: URL, tell: (text: string) => void = () => undefined) {
    this.#tell = tell;
    this.#path = path;
    this.#keychain = keychain;
    this.#server = nameOf(server);
  }

  grant(): Promise<Grant | undefined> {
    return this.#read(this.#grantName, async () => (await import('./schemas.js')).grantSchema);
  }

  saveGrant(grant: Grant | undefined): Promise<void> {
    return this.#save(this.#grantName, grant);
  }

  async hasGrant(): Promise<boolean> {
    const entries = await this.#entries().catch(() => undefined);
    return entries === undefined || Object.hasOwn(entries, this.#grantName);
  }

  async replaceGrant(grant: Grant): Promise<boolean> {
    const name = this.#grantName;
    const text = JSON.stringify(grant);
    return this.#change(async (entries) => {
      if (!Object.hasOwn(entries, name)) return false;
      entries[name] = (await this.#keychain.set(name, text)) ? null : text;
      return true;
    });
  }

  registration(issuer: string): Promise<Registration | undefined> {
    return this.#read(`client ${issuer}`, async () => (await import('./schemas.js')).registrationSchema);
  }

  saveRegistration(issuer: string, registration: Registration | undefined): Promise<void> {
    return this.#save(`client ${issuer}`, registration);
  }

  pending(): Promise<Pending | undefined> {
    return this.#read(this.#pendingName, async () => (await import('./schemas.js')).pendingSchema);
  }

  savePending(pending: Pending | undefined): Promise<void> {
    return this.#save(this.#pendingName, pending);
  }

  exclusively<T>(
    work: () => Promise<T>,
    look: () => Promise<T | undefined>,
    signal: AbortSignal,
  ): Promise<T> {
    return locked(`${this.#path}.${digest(this.#server)}.lock`, work, look, signal);
  }

  /**
   * Forgets the server, and the client that signed in to it, also where it is not what it should be: a token may
   * stand in it all the same. Returns whether there was anything. Rejects where the file cannot be read or written.
   */
  async forget(): Promise<boolean> {
    const text = await textOf(this.#path);
    if (text === '') return false;
    const { version, entries } = asRecord(parse(text));
    const kept = asRecord(entries);
    const names = [this.#grantName, this.#pendingName].filter((name) => Object.hasOwn(kept, name));
    // Of a file that is none of ours nobody can tell what stands in it: it is written anew.
    if (version === VERSION && names.length === 0) return false;
    for (const name of [...names]) {
      const value = kept[name] ?? (await this.#keychain.get(name));
      const { issuer } = asRecord(typeof value === 'string' ? parse(value) : value);
      if (typeof issuer === 'string') names.push(`client ${issuer}`);
    }
    await this.#change(async (all) => {
      for (const name of names) {
        if (all[name] === null) await this.#keychain.remove(name);
        delete all[name];
      }
      return true;
    });
    return true;
  }

  get #grantName(): string {
    return `grant ${this.#server}`;
  }

  get #pendingName(): string {
    return `pending ${this.#server}`;
  }

  /** @param schema is loaded only where there is something to check: most runs have nothing */
  async #read<T>(name: string, schema: () => Promise<ZodType<T>>): Promise<T | undefined> {
    const entries = await this.#entries().catch((): Entries => ({}));
    if (!Object.hasOwn(entries, name)) return undefined;
    const text = entries[name] ?? (await this.#keychain.get(name));
    const parsed = (await schema()).safeParse(parse(text ?? ''));
    return parsed.success ? parsed.data : undefined;
  }

  async #save(name: string, value: object | undefined): Promise<void> {
    const text = value === undefined ? undefined : JSON.stringify(value);
    const isInKeychain = text !== undefined && (await this.#keychain.set(name, text));
    await this.#change(async (entries) => {
      if (text === undefined) {
        if (Object.hasOwn(entries, name) && entries[name] === null) await this.#keychain.remove(name);
        delete entries[name];
      } else entries[name] = isInKeychain ? null : text;
      return true;
    });
  }

  /**
   * One change at a time, of all processes: the file holds what others have saved.
   *
   * @param edit says whether it has changed anything, which is what comes back
   */
  #change(edit: (entries: Record<string, string | null>) => Promise<boolean>): Promise<boolean> {
    const work = async (): Promise<boolean> => {
      const next = { ...(await this.#entries()) };
      const isChanged = await edit(next);
      if (isChanged) await this.#write(next);
      return isChanged;
    };
    return locked(`${this.#path}.lock`, work, async () => undefined, this.#never);
  }

  /** Of a file that is none of ours, nothing; the next change writes it anew. Rejects where it cannot be read. */
  async #entries(): Promise<Entries> {
    this.#guarded ??= closeToOthers(this.#path, this.#tell);
    await this.#guarded;
    const { version, entries } = asRecord(parse(await textOf(this.#path)));
    if (version !== VERSION) return {};
    return Object.fromEntries(Object.entries(asRecord(entries)).filter(isEntry));
  }

  /** Whole or not at all: a reader never finds half of it. */
  async #write(entries: Entries): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const draft = `${this.#path}.${process.pid}.tmp`;
    try {
      await writeFile(draft, `${JSON.stringify({ version: VERSION, entries }, undefined, 2)}\n`, {
        mode: 0o600,
      });
      await chmod(draft, 0o600); // one that was left behind keeps its own mode
      await rename(draft, this.#path);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
  }
}

/** A server under which credentials are kept: a query may hold secrets, and tells one server from another. */
function nameOf({ origin, pathname, search }: URL): string {
  return search === '' ? `${origin}${pathname}` : `${origin}${pathname}?${digest(search)}`;
}

function digest(text: string): string {
  return crypto().createHash('sha256').update(text).digest('hex').slice(0, 16);
}

async function textOf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
      return ''; // there is none yet
    throw error;
  }
}

function isEntry(entry: [string, unknown]): entry is [string, string | null] {
  return typeof entry[1] === 'string' || entry[1] === null;
}

/** Undefined: it is no JSON. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
