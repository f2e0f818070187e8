/** Reads from a test file's text which requirements its titles cite. */

/** A call that takes a title, or a `title` in a table of cases. */
const TITLED = /\b(?:it|test|describe)\b|\btitle:/g;
const COMMENT = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*$/gm;

/** The ids in `req(…)` inside the titles of `text`, in their order. Other uses of it don't count. */
export function citations(text: string, by = 'req'): string[] {
  const citation = new RegExp(String.raw`\b${by}\(([^)]*)\)`, 'g');
  const code = text.replace(COMMENT, '');
  const ids: string[] = [];
  for (const match of code.matchAll(TITLED)) {
    const title = titleAt(code, match.index + match[0].length, match[0] === 'title:');
    for (const [, list] of title.matchAll(citation)) {
      for (const [, id] of (list ?? '').matchAll(/['"`]([^'"`]+)['"`]/g)) if (id !== undefined) ids.push(id);
    }
  }
  return ids;
}

/** The first argument of the last call in a chain such as `it.each(table)(title, …)`, or a property's value. */
function titleAt(code: string, from: number, isProperty: boolean): string {
  if (isProperty) return code.slice(from, endOf(code, from, ','));
  let at = from;
  for (;;) {
    const member = /^\.\w+/.exec(code.slice(at, at + 40));
    if (member !== null) {
      at += member[0].length;
      continue;
    }
    if (code[at] === '<') at = endOfTypes(code, at);
    if (code[at] !== '(') return '';
    const close = endOf(code, at + 1, ')');
    const next = code[close + 1];
    if (next === '(' || next === '.') at = close + 1;
    else return code.slice(at + 1, endOf(code, at + 1, ','));
  }
}

/** Behind the type arguments that begin at `from`, as in `it.each<[string, () => void]>(…)`. */
function endOfTypes(code: string, from: number): number {
  let depth = 0;
  for (let at = from; at < code.length; at++) {
    if (code[at] === '<') depth += 1;
    else if (code[at] === '>' && code[at - 1] !== '=') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return code.length;
}

/** Where `stop`, or the bracket that encloses everything, stands outside of brackets and quotes. */
function endOf(code: string, from: number, stop: string): number {
  let depth = 0;
  let at = from;
  while (at < code.length) {
    const char = code[at] ?? '';
    if (depth === 0 && (char === stop || ')]}'.includes(char))) return at;
    if ('([{'.includes(char)) depth += 1;
    else if (')]}'.includes(char)) depth -= 1;
    else if (`'"\``.includes(char)) at = endOfQuote(code, at);
    at += 1;
  }
  return at;
}

function endOfQuote(code: string, from: number): number {
  const quote = code[from];
  let at = from + 1;
  while (at < code.length && code[at] !== quote) {
    if (code[at] === '\\') at += 1;
    else if (quote === '`' && code.startsWith('${', at)) at = endOf(code, at + 2, '}');
    at += 1;
  }
  return at;
}
