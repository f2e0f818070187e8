import type { ServerResponse } from 'node:http';
import type { Emit } from '../observability/events.js';
import { answerFaults } from './fault.js';

/**
 * Nothing but what stands in the page itself is run, shown or loaded, and it speaks with this origin only. Texts that
 * came from elsewhere can't become HTML (`require-trusted-types-for`).
 *
 * @param digests of the script and the style that are in the page
 */
function policyOf(digests: { readonly script: string; readonly style: string }): string {
  return [
    "default-src 'none'",
    `script-src ${digests.script}`,
    `style-src ${digests.style}`,
    "connect-src 'self'",
    'img-src data:',
    "frame-ancestors 'none'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; ');
}

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  vary: 'Origin, Accept',
};

/**
 * Answers with the page, in which there is nothing of the proxy's: it asks for that itself, with the person's key. It is
 * loaded when the first browser comes.
 */
export function answerPage(response: ServerResponse, emit: Emit): void {
  import('virtual:page').then(
    ({ html, digests }) => {
      if (response.destroyed) return;
      response.writeHead(200, { ...HEADERS, 'content-security-policy': policyOf(digests) }).end(html);
    },
    (error: unknown) =>
      answerFaults(response, emit, () => {
        throw error;
      }),
  );
}
