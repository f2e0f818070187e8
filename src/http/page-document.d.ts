/** The page, which the build makes of `src/page` (`build/page.js`). */
declare module 'virtual:page' {
  export const html: string;
  /** Sources of a Content-Security-Policy: what is in the page itself. */
  export const digests: { readonly script: string; readonly style: string };
}
