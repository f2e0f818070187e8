/** Environment variables in the values of the configuration file. */

export interface Expanded {
  readonly text: string;
  /** Names that are not set and have no default. */
  readonly unset: readonly string[];
  /** Whether a `${` is left that is no variable, and stays as it is written. */
  readonly odd: boolean;
}

const REFERENCE = /\$\$\{|\$\{(?:([A-Za-z_]\w*)(:-[^}]*)?\})?/g;

/**
 * `${NAME}` takes the variable's value; `${NAME:-default}` the default where it is not set or empty;
 * `$${` is `${` itself. What is taken is not looked through again.
 */
export function expand(text: string, env: Readonly<Record<string, string | undefined>>): Expanded {
  const unset: string[] = [];
  let odd = false;
  const result = text.replace(
    REFERENCE,
    (whole: string, name: string | undefined, fallback: string | undefined) => {
      if (whole === '$${') return '${';
      if (name === undefined) {
        odd = true;
        return whole;
      }
      // A plain object has more names than its own: `constructor` is no variable.
      const value = Object.hasOwn(env, name) ? env[name] : undefined;
      if (fallback !== undefined) return value || fallback.slice(2);
      if (value === undefined) unset.push(name);
      return value ?? '';
    },
  );
  return { text: result, unset, odd };
}
