import type { ServerDefinition } from '../config/definition.js';
import { secretArguments } from '../observability/arguments.js';
import { type ValueMask, valueMask } from '../observability/secrets.js';

/**
 * Takes out of a text what is secret of a server: the values of its `env`, arguments that are, and what the
 * environment of the proxy or a client's request has put there.
 */
export function maskOf({
  env,
  args,
  secrets = [],
  filled = [],
}: Pick<ServerDefinition, 'env' | 'args' | 'secrets' | 'filled'>): ValueMask {
  return valueMask([...Object.values(env), ...secretArguments(args), ...secrets, ...filled]);
}
