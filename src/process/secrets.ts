import type { ServerDefinition } from '../config/definition.js';
import { secretArguments } from '../observability/arguments.js';
import { type ValueMask, valueMask } from '../observability/secrets.js';

/**
 * Takes out of a text what is secret of a server: the values of its `env`, arguments that are, and what a client's
 * request has put there.
 */
export function maskOf({
  env,
  args,
  filled = [],
}: Pick<ServerDefinition, 'env' | 'args' | 'filled'>): ValueMask {
  return valueMask([...Object.values(env), ...secretArguments(args), ...filled]);
}
