import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

/** Asks for what lets in. It goes into the header of requests, never into a URL, and is forgotten with the page. */
export function KeyForm({ onKey }: { readonly onKey: (key: string) => void }): JSX.Element {
  const [key, change] = useState('');
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (key.trim() !== '') onKey(key.trim());
  };
  return (
    <form class="card" onSubmit={onSubmit}>
      <h2>Who are you?</h2>
      <p>
        This proxy shows something only to those whom it knows. Paste the key that you were given, or an
        access token. It is kept until you leave or reload this page.
      </p>
      <label for="key">Key or token</label>
      <input
        id="key"
        type="password"
        autocomplete="current-password"
        spellcheck={false}
        value={key}
        onInput={(event) => change(event.currentTarget.value)}
      />
      <button type="submit">Show</button>
    </form>
  );
}
