import type { Access } from '../config/definition.js';
import type { Principal } from './principal.js';

/** Whether somebody may use a server; undefined on either side: nobody is asked, or everybody may. */
export function mayUse(principal: Principal | undefined, access: Access | undefined): boolean {
  if (access === undefined) return true;
  if (principal === undefined) return false;
  return (
    namesOf(principal, access).includes(principal.name) ||
    access.scopes.some((scope) => principal.scopes.has(scope))
  );
}

/** The names by which those of its kind are meant. Who chooses the id of a client is not who is called like that. */
function namesOf({ kind }: Principal, { keys, subjects }: Access): readonly string[] {
  switch (kind) {
    case 'key':
      return keys;
    case 'token':
    case 'certificate':
    case 'caller':
      return subjects;
    case 'client':
      return [];
  }
}
