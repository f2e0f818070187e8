import type { Access } from '../config/definition.js';
import type { Principal } from './principal.js';

/** Whether somebody may use a server; undefined on either side: nobody is asked, or everybody may. */
export function mayUse(principal: Principal | undefined, access: Access | undefined): boolean {
  if (access === undefined) return true;
  if (principal === undefined) return false;
  const names = principal.kind === 'key' ? access.keys : access.subjects;
  return names.includes(principal.name) || access.scopes.some((scope) => principal.scopes.has(scope));
}
