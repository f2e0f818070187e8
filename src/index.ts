/** The library: server mode for programs that embed it. */
export type { AuthOptions, TokenOptions } from './auth/options.js';
export type { ServerDefinition, Sharing } from './config/definition.js';
export type { TlsOptions } from './http/tls.js';
export type { Emit, LogLevel, ProxyEvent } from './observability/events.js';
export {
  type ListeningServer,
  type ProxyOptions,
  type RunningProxy,
  type StartOutcome,
  startProxy,
} from './proxy.js';
