/** An authorization server that a test plays: its keys, its tokens, and how it fails. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';

type SigningKey = Awaited<ReturnType<typeof generateKeyPair>>['privateKey'];

export class PlayedIssuer {
  readonly url: string;
  /** The paths that were asked for, in their order. */
  readonly asked: string[] = [];
  /** The public keys that it shows. */
  readonly keys: JWK[] = [];
  /** Answers instead of it, where it is set; false: it does as always. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined;
  /** What it says of a token that it is asked about. */
  introspect: (token: string, authorization: string | undefined) => object = () => ({ active: false });
  readonly #server: Server;
  readonly #private = new Map<string, { key: SigningKey; alg: string }>();

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on('request', (request, response) => this.#answer(request, response));
  }

  static async start(): Promise<PlayedIssuer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const issuer = new PlayedIssuer(server);
    await issuer.addKey('first');
    return issuer;
  }

  async addKey(kid: string, alg = 'ES256'): Promise<void> {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
    this.#private.set(kid, { key: privateKey, alg });
    this.keys.push({ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' });
  }

  /** A token, good for an hour, unless it says otherwise. */
  token(claims: Readonly<Record<string, unknown>>, kid = 'first', header: object = {}): Promise<string> {
    const signing = this.#private.get(kid);
    if (signing === undefined) throw new Error(`there is no key ${kid}`);
    const now = Math.floor(Date.now() / 1000);
    const all: JWTPayload = Object.assign({ iss: this.url, sub: 'ann', exp: now + 3600 }, claims);
    return new SignJWT(all)
      .setProtectedHeader({ alg: signing.alg, kid, typ: 'at+jwt', ...header })
      .sign(signing.key);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const path = request.url ?? '';
    this.asked.push(path);
    if (this.instead?.(request, response)) return;
    const json = (value: object): void => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    };
    if (path === '/.well-known/openid-configuration') {
      json({ issuer: this.url, jwks_uri: `${this.url}/keys` });
    } else if (path === '/keys') json({ keys: this.keys });
    else if (path === '/introspect') {
      let body = '';
      request.on('data', (chunk) => {
        body += chunk;
      });
      request.on('end', () => {
        json(this.introspect(new URLSearchParams(body).get('token') ?? '', request.headers.authorization));
      });
    } else response.writeHead(404).end();
  }
}
