/** JSON-RPC 2.0 error codes that the proxy itself answers with (JSON-RPC 2.0, section 5.1). */
export const ErrorCode = {
  ParseError: -32700,
  InvalidRequest: -32600,
  MethodNotFound: -32601,
  InvalidParams: -32602,
  InternalError: -32603,
} as const;

/** Codes that MCP itself defines (2026-07-28, `basic/index`, "Error Codes"). */
export const McpErrorCode = {
  HeaderMismatch: -32020,
  MissingClientCapability: -32021,
  UnsupportedVersion: -32022,
  /** Up to 2025-11-25. */
  ResourceNotFound: -32002,
  /** 2025-11-25 only. */
  UrlElicitationRequired: -32042,
} as const;

/** Whether only MCP itself may say what a code means (2026-07-28, `basic/index`, "Error Codes"). */
export function isReserved(code: number): boolean {
  return code >= -32099 && code <= -32020;
}

/** Own code, outside the range that JSON-RPC reserves: the call was cancelled before it was answered. */
export const CANCELLED = -32800;
