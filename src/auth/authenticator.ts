import { readFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { ConfigError } from '../config/config-error.js';
import { type Emit, wordsOf } from '../observability/events.js';
import type { Clock } from '../relay/clock.js';
import { ApiKeys, type HeldKey } from './api-keys.js';
import { certificateHolder, hasGoodCertificate } from './certificates.js';
import type { AuthOptions, TokenOptions } from './options.js';
import { presented } from './presented.js';
import { isWebUrl, type Resource, Resources } from './resources.js';
import type { Tokens } from './tokens.js';
import { NOT_KNOWN, NOTHING_SHOWN, type Verdict } from './verdict.js';

/** The headers by which it is found out. */
interface Shown {
  readonly authorization?: string | undefined;
  readonly 'x-api-key'?: string | string[] | undefined;
}

function isSame(one: Shown, other: Shown): boolean {
  return one.authorization === other.authorization && one['x-api-key'] === other['x-api-key'];
}

/** How clients get access tokens; shown to whoever asks. */
export interface TokenSource {
  readonly issuer: string;
  readonly scopes: readonly string[];
  readonly resources: Resources;
}

/** Finds out who sends a request. */
export interface Authenticator {
  /** @param resource what is asked for; a token may be for something else */
  authenticate(request: IncomingMessage, resource: Resource): Verdict | Promise<Verdict>;
  /** Undefined where no tokens are taken. */
  readonly tokens: TokenSource | undefined;
  /** Finds out what has changed without a request. */
  look(): void;
  close(): Promise<void>;
}

export interface AuthSurroundings {
  /** What the proxy listens on. */
  readonly host: string;
  readonly basePath: string;
  /** Whether every connection has a client's certificate. */
  readonly hasCertificates: boolean;
  readonly clock: Clock;
  readonly emit: Emit;
  /** Nobody can show any more that he is this principal. */
  readonly onGone: (principal: string) => void;
}

/** Undefined where nobody is asked who they are. Rejects with `ConfigError`. */
export async function openAuthenticator(
  { apiKeyFile: file, apiKeys: list, tokens: options }: AuthOptions,
  surroundings: AuthSurroundings,
): Promise<Authenticator | undefined> {
  const { clock, emit, hasCertificates, onGone } = surroundings;
  if (file === undefined && list === undefined && options === undefined && !hasCertificates) return undefined;
  const keys =
    file === undefined && list === undefined ? undefined : new ApiKeys({ file, list, clock, emit, onGone });
  const source = options && sourceOf(options, surroundings);
  const tokens = options && source && (await openTokens(options, source, surroundings));
  /** By connection: what was shown on it last, and whose key that is. A digest costs more than all else of a request. */
  const remembered = new WeakMap<Socket, { readonly shown: Shown; readonly held: HeldKey }>();
  return {
    tokens: source,
    authenticate({ headers, socket }, resource) {
      // Whatever else is shown: by a certificate that is over there would be no connection.
      if (hasCertificates && !hasGoodCertificate(socket)) return NOT_KNOWN;
      const last = remembered.get(socket);
      if (last !== undefined && isSame(last.shown, headers)) {
        keys?.look();
        if (last.held.credential.isGood(Date.now())) return { kind: 'known', ...last.held };
      }
      const shown = presented(headers);
      if (shown.kind === 'nothing') {
        const holder = hasCertificates ? certificateHolder(socket) : undefined;
        return holder === undefined ? NOTHING_SHOWN : { kind: 'known', ...holder };
      }
      if (shown.kind === 'contradiction') return NOT_KNOWN;
      const held = keys?.find(shown.credential);
      if (held !== undefined) {
        remembered.set(socket, {
          shown: { authorization: headers.authorization, 'x-api-key': headers['x-api-key'] },
          held,
        });
        return { kind: 'known', ...held };
      }
      if (tokens === undefined || !shown.isBearer || shown.credential === '') return NOT_KNOWN;
      return tokens.verdict(shown.credential, resource);
    },
    look: () => keys?.look(),
    close: async () => tokens?.close(),
  };
}

function sourceOf({ issuer, audiences, requiredScopes }: TokenOptions, at: AuthSurroundings): TokenSource {
  const isEverywhere = ['0.0.0.0', '::', ''].includes(at.host);
  if (isEverywhere && !audiences.some(isWebUrl)) {
    throw new ConfigError(
      `--auth-issuer: on ${at.host} the proxy can't know under which URL clients reach it, so that it could not tell ` +
        'tokens for it from those for others; say it with --auth-audience https://…',
    );
  }
  return { issuer, scopes: requiredScopes, resources: new Resources(audiences, at.basePath) };
}

/** What checks tokens is loaded only where there are some. */
async function openTokens(
  { issuer, requiredScopes, introspection }: TokenOptions,
  { resources }: TokenSource,
  { clock, emit }: AuthSurroundings,
): Promise<Tokens> {
  const { Tokens: Opened } = await import('./tokens.js');
  return new Opened({
    issuer,
    requiredScopes,
    resources,
    clock,
    emit,
    introspection: introspection && {
      url: new URL(introspection.url),
      client: introspection.client && {
        id: introspection.client.id,
        secret: readSecret(introspection.client.secretFile),
      },
    },
  });
}

function readSecret(file: string): string {
  try {
    const secret = readFileSync(file, 'utf8').trim();
    if (secret === '') throw new Error('it is empty');
    return secret;
  } catch (error) {
    throw new ConfigError(`--auth-client-secret-file ${file} cannot be used: ${wordsOf(error)}`);
  }
}
