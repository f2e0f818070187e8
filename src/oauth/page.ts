/** The page that a person's browser shows after the sign-in. Nothing of the request is repeated in it. */
export type Page = 'done' | 'failed' | 'unknown';

const WORDS: Readonly<Record<Page, readonly [title: string, text: string]>> = {
  done: ['You are signed in', 'This page may be closed.'],
  failed: [
    'The sign-in has failed',
    'The application that asked for it is told why. This page may be closed.',
  ],
  unknown: [
    'This sign-in is not known',
    'It is over, or was begun by another program. Begin again from the application that needs it.',
  ],
};

export function page(name: Page): string {
  const [title, text] = WORDS[name];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; margin: 20vh auto; max-width: 30rem; padding: 0 1rem; text-align: center }
</style>
</head>
<body>
<h1>${title}</h1>
<p>${text}</p>
</body>
</html>
`;
}
