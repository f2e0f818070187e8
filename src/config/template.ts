/** Values of a definition that only a client's request completes. */

/** How the name of a part begins that is a header; what follows is in lower case. */
export const HEADER = 'header:';
/** The name of the part that is who asks, by id (`Principal.id`). */
export const PRINCIPAL = 'principal';

/** Text as it is, or what stands for something of the request: `header:x-name`, or `principal`. */
export type Part = string | { readonly name: string };

export type Template = readonly Part[];

/** Those of a server definition, by where they stand in it. */
export interface Templates {
  readonly args: ReadonlyMap<number, Template>;
  readonly env: ReadonlyMap<string, Template>;
}

/** The names of all that is taken from a request. */
export function namesIn({ args, env }: Templates): ReadonlySet<string> {
  const parts = [...args.values(), ...env.values()].flat();
  return new Set(parts.flatMap((part) => (typeof part === 'string' ? [] : [part.name])));
}

/** The headers that are taken from a request, in lower case. */
export function headersIn(templates: Templates | undefined): string[] {
  const names = templates === undefined ? [] : [...namesIn(templates)];
  return names.filter((name) => name !== PRINCIPAL).map((name) => name.slice(HEADER.length));
}

/** @param values by name; all that the template has are there */
export function fill(template: Template, values: ReadonlyMap<string, string>): string {
  return template.map((part) => (typeof part === 'string' ? part : (values.get(part.name) ?? ''))).join('');
}
