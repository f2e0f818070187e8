/** The library: what the command does, for programs that embed it. */
export type { AuthOptions, TokenOptions } from './auth/options.js';
export type { ClientMode } from './client.js';
export { ConfigError } from './config/config-error.js';
export type { TlsOptions } from './http/tls.js';
export { type ConnectStdioOptions, connectStdio } from './library/connect-stdio.js';
export { createHandler, type HandOver, type ProxyHandler } from './library/create-handler.js';
export { type CreateProxyOptions, createProxy, type Proxy } from './library/create-proxy.js';
export type { ServerOptions } from './library/definition.js';
export type { ServingOptions } from './library/options.js';
export type { LogLevel, ProxyEvent } from './observability/events.js';
export type { HookContext, MessageHook } from './observability/hooks.js';
export type { ListeningServer, ProxyLimits, StartOutcome } from './proxy.js';
export type { HookError, HookMessage, Verdict } from './relay/hook.js';
