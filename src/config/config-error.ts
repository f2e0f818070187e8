/** The configuration is wrong. The message names file, server, key, line and column, and no values. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}
