/** JSON-RPC 2.0 error codes that the proxy itself answers with (JSON-RPC 2.0, section 5.1). */
export const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
} as const;

/** Own code, outside the range that JSON-RPC reserves: the call was cancelled before it was answered. */
export const CANCELLED = -32800;
