/** What is kept of a sign-in. All of it is secret, or says who is known where. */

/** A private key for proofs (RFC 9449), as a JWK; of the curve P-256. */
export interface DpopKey {
  readonly kty: 'EC';
  readonly crv: 'P-256';
  readonly x: string;
  readonly y: string;
  readonly d: string;
}

/** Tokens for one server, as an authorization server gave them out. */
export interface Grant {
  /** Who gave them out: they are of use nowhere else (2026-07-28, `basic/authorization`, "Token Handling"). */
  readonly issuer: string;
  /** For what, where the server has named itself (RFC 8707). */
  readonly resource?: string;
  /** Where the server says so, if it names the place. */
  readonly resourceMetadata?: string;
  /** To which client. */
  readonly clientId: string;
  readonly accessToken: string;
  readonly refreshToken?: string;
  /** The private key that the token is bound to, as a JWK; without it, whoever has the token may use it. */
  readonly key?: DpopKey;
  /** The scopes that were asked for or given, separated by spaces: the next sign-in asks for no fewer. */
  readonly scope?: string;
  /** Milliseconds since 1970; without it, until the server refuses it. */
  readonly expiresAt?: number;
  /** When it was given out; milliseconds since 1970. */
  readonly issuedAt: number;
}

/** Who this program is to an authorization server: registered there, or told by the person. */
export interface Registration {
  readonly clientId: string;
  readonly clientSecret?: string;
  /** When the secret ends; milliseconds since 1970. */
  readonly endsAt?: number;
  /** The port of the redirect URI that was registered; without it, any is right. */
  readonly port?: number;
}

/** A sign-in that a person has been asked for and that may still be finished. */
export interface Pending {
  readonly issuer: string;
  readonly registration: Registration;
  readonly scope?: string;
  /** Where the person signs in. */
  readonly url: string;
  readonly state: string;
  readonly verifier: string;
  /** Of the redirect URI. */
  readonly port: number;
  /** Milliseconds since 1970. */
  readonly begunAt: number;
  /** When a browser was last opened with it; milliseconds since 1970. */
  readonly openedAt?: number;
}

/** Who this program is to an authorization server, as far as the person has said it. */
export interface ClientIdentity {
  readonly clientId?: string;
  readonly clientSecret?: string;
  /** Its private key in PEM form (PKCS #8): it has tokens for itself then, and nobody signs in (RFC 7523). */
  readonly privateKey?: string;
  /**
   * What says in place of a person who it is: a file in which the platform that it runs on keeps a JWT, or an identity
   * provider. Only together with `clientId`.
   */
  readonly assertion?: string | IdentityProvider;
  /** Where a document describes it (2025-11-25, "Client ID Metadata Documents"). */
  readonly metadataUrl?: string;
}

/** Where an organisation signs in its people: it gives out what other authorization servers know them by. */
export interface IdentityProvider {
  readonly tokenUrl: URL;
  /** Who this program is there. */
  readonly clientId: string;
  /** A file with its secret there, where it has one. */
  readonly secretFile?: string;
  /** A file with the identity token of the person (OpenID Connect). */
  readonly idTokenFile: string;
}

/** Whether a grant is of the client that the person wants to be. */
export function isFor(grant: Grant, { clientId }: ClientIdentity): boolean {
  return clientId === undefined || clientId === grant.clientId;
}

export function isOver({ expiresAt }: Grant): boolean {
  return expiresAt !== undefined && Date.now() >= expiresAt;
}

export function withoutRefresh({ refreshToken: _, ...rest }: Grant): Grant {
  return rest;
}

/** The client that the person has named. */
export function givenRegistration({ clientId, clientSecret }: ClientIdentity): Registration | undefined {
  if (clientId === undefined) return undefined;
  return { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) };
}
