/** What the modern era says in `_meta` (2026-07-28, `basic/index`, "`_meta`"). */
export const META = {
  /** Of a request: required. */
  version: 'io.modelcontextprotocol/protocolVersion',
  /** Of a request: required. */
  capabilities: 'io.modelcontextprotocol/clientCapabilities',
  /** Of a request: should be there. */
  clientInfo: 'io.modelcontextprotocol/clientInfo',
  /** Of a request: optional. */
  logLevel: 'io.modelcontextprotocol/logLevel',
  /** Of what belongs to a `subscriptions/listen`. */
  subscription: 'io.modelcontextprotocol/subscriptionId',
  /** Of a result: should be there. */
  serverInfo: 'io.modelcontextprotocol/serverInfo',
} as const;

/** The keys of a modern request that the legacy era says once, in `initialize` and `logging/setLevel`. */
export const ENVELOPE_KEYS: ReadonlySet<string> = new Set([
  META.version,
  META.capabilities,
  META.clientInfo,
  META.logLevel,
]);
