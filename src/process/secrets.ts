import type { ServerDefinition } from '../config/definition.js';
import { secretArguments } from '../observability/arguments.js';
import { type ValueMask, valueMask } from '../observability/secrets.js';

/** Takes out of a text what is secret of a server: the values of its `env`, and arguments that are. */
export function maskOf({ env, args }: Pick<ServerDefinition, 'env' | 'args'>): ValueMask {
  return valueMask([...Object.values(env), ...secretArguments(args)]);
}
