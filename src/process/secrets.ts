import type { ServerDefinition } from '../config/definition.js';
import { secretArguments } from '../observability/arguments.js';
import { type ValueMask, valueMask } from '../observability/secrets.js';

type Secretive = Pick<ServerDefinition, 'env' | 'args' | 'secrets' | 'filled'>;

/** Each is made once: a secret has many writings, and each process, message and look asks for it. */
const masks = new WeakMap<Secretive, ValueMask>();

/**
 * Takes out of a text what is secret of a server: the values of its `env`, arguments that are, and what the
 * environment of the proxy or a client's request has put there.
 */
export function maskOf(definition: Secretive): ValueMask {
  const known = masks.get(definition);
  if (known !== undefined) return known;
  const { env, args, secrets = [], filled = [] } = definition;
  const mask = valueMask([...Object.values(env), ...secretArguments(args), ...secrets, ...filled]);
  masks.set(definition, mask);
  return mask;
}
