import { memo } from './memo.js';

/**
 * Whether an `Accept` header asks for something to look at: who says nothing of HTML, or takes anything, gets what
 * programs get (RFC 9110, section 12.5.1).
 */
export const prefersHtml = memo((accept: string): boolean => {
  const html = qualityOf(accept, 'text/html');
  return html > 0 && html >= qualityOf(accept, 'application/json');
});

/** How much a type is wanted that is named in the header, from 0 to 1; 0 where it is not named. */
function qualityOf(accept: string, type: string): number {
  for (const range of accept.toLowerCase().split(',')) {
    const [name, ...params] = range.split(';').map((part) => part.trim());
    if (name !== type) continue;
    const quality = params.find((param) => param.startsWith('q='));
    return quality === undefined ? 1 : Number(quality.slice(2)) || 0;
  }
  return 0;
}
