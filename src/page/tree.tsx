import type { JSX } from 'preact';
import { shown } from './text.js';

/** Members and elements that are shown of one value; characters of a text. */
const MAX_CHILDREN = 200;
const MAX_TEXT = 4000;
/** Levels that are open when the tree is. */
const OPEN_LEVELS = 3;

/** A number as it was written: JavaScript does not keep all digits. */
class Digits {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** A message as a tree; as it is where it is cut off. */
export function Message({ text, isCut }: { readonly text: string; readonly isCut: boolean }): JSX.Element {
  const value = isCut ? undefined : parsed(text);
  if (value === undefined) {
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      <pre tabIndex={0}>{shown(text, 20_000)}</pre>
    );
  }
  return (
    <div class="tree">
      <Value value={value} level={0} />
    </div>
  );
}

function parsed(text: string): unknown {
  const keepDigits = (_key: string, value: unknown, context?: { readonly source?: string }): unknown =>
    typeof value === 'number' ? new Digits(context?.source ?? String(value)) : value;
  try {
    return JSON.parse(text, keepDigits);
  } catch {
    return undefined; // it is shown as it is
  }
}

interface ValueProps {
  readonly value: unknown;
  readonly level: number;
  readonly name?: string;
}

function Value({ value, level, name }: ValueProps): JSX.Element {
  const label = name === undefined ? '' : `${shown(name, 200)}: `;
  if (value instanceof Digits) return <Leaf label={label} text={shown(value.text, 400)} />;
  if (typeof value === 'string') return <Leaf label={label} text={shown(value, MAX_TEXT)} isText />;
  if (typeof value !== 'object' || value === null) return <Leaf label={label} text={String(value)} />;
  const isList = Array.isArray(value);
  const members = Object.entries(value);
  if (members.length === 0) return <Leaf label={label} text={isList ? '[]' : '{}'} />;
  return (
    <details open={level < OPEN_LEVELS}>
      <summary>
        {label}
        <span class="quiet">{isList ? `[${members.length}]` : `{${members.length}}`}</span>
      </summary>
      <ul>
        {members.slice(0, MAX_CHILDREN).map(([key, one]) => (
          <li key={key}>
            <Value value={one} level={level + 1} name={key} />
          </li>
        ))}
        {members.length > MAX_CHILDREN && <li class="quiet">{members.length - MAX_CHILDREN} more</li>}
      </ul>
    </details>
  );
}

interface LeafProps {
  readonly label: string;
  readonly text: string;
  readonly isText?: boolean;
}

function Leaf({ label, text, isText = false }: LeafProps): JSX.Element {
  return (
    <>
      {label}
      <code class={isText ? 'text' : ''}>{text}</code>
    </>
  );
}
