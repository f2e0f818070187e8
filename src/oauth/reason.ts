import { OAuthError } from '@modelcontextprotocol/client';
import { SignInError } from './sign-in-error.js';

/** What went wrong, without a word that the other side chose freely: it may repeat what is secret. */
export function reasonOf(error: unknown): string {
  if (error instanceof SignInError) return error.message;
  if (error instanceof OAuthError)
    return `its authorization server answered with the error ${nameOf(error.code)}.`;
  if (error instanceof Error && error.name === 'IssuerMismatchError') {
    return 'the metadata of its authorization server is that of another one (`issuer`).';
  }
  if (error instanceof Error && error.name === 'InsecureTokenEndpointError') {
    return 'its authorization server has an endpoint that is not https.';
  }
  return 'its authorization server answered with something that is not understood.';
}

function nameOf(code: string): string {
  return isName(code) ? code : 'of a name that cannot be shown';
}

export function isName(word: string): boolean {
  return /^[\w.-]{1,60}$/.test(word);
}
