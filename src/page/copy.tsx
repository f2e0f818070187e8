import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';

interface CopyProps {
  readonly text: string;
  /** What is copied, for who does not see it. */
  readonly what: string;
}

/**
 * Copies a text. Where the browser gives no clipboard, as to pages over plain HTTP, the text is shown and selected, to be
 * copied by hand.
 */
export function Copy({ text, what }: CopyProps): JSX.Element {
  const [state, change] = useState<'idle' | 'copied' | 'by-hand'>('idle');
  const area = useRef<HTMLTextAreaElement>(null);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
      change('copied');
    } catch {
      change('by-hand');
      requestAnimationFrame(() => area.current?.select());
    }
  };
  return (
    <>
      <button type="button" onClick={() => void copy()} aria-label={`Copy: ${what}`}>
        Copy
      </button>
      <span role="status">
        {state === 'copied' && 'Copied.'}
        {state === 'by-hand' && 'Selected below: copy it with the keyboard.'}
      </span>
      {state === 'by-hand' && (
        <textarea ref={area} readOnly rows={6} value={text} aria-label={`Text: ${what}`} />
      )}
    </>
  );
}
