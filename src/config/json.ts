import type { Node, ParseError } from 'jsonc-parser';
import { ConfigError } from './config-error.js';

/** A value in the file, with its place. Positions are offsets in the text. */
export interface Place {
  readonly offset: number;
}

export interface Member extends Place {
  readonly key: string;
  readonly value: Value;
}

export interface Value extends Place {
  readonly type: 'object' | 'array' | 'string' | 'number' | 'boolean' | 'null';
  /** What the text says, as JSON.parse would have it; of two members with one key the last one. */
  readonly plain: unknown;
  /** Of an object: all members in their order, of one key also several. */
  readonly members: readonly Member[];
  /** Of an array. */
  readonly items: readonly Value[];
}

export interface Document {
  readonly root: Value;
  /** `file:line:column`, both counted from 1, as editors do. */
  at(place: Place): string;
}

const REASONS: Readonly<Record<string, string>> = {
  InvalidSymbol: 'this is no JSON value (text stands in double quotes)',
  InvalidNumberFormat: 'this is no number',
  PropertyNameExpected: 'a key in double quotes is missing',
  ValueExpected: 'a value is missing',
  ColonExpected: 'a colon is missing',
  CommaExpected: 'a comma is missing',
  CloseBraceExpected: 'a closing } is missing',
  CloseBracketExpected: 'a closing ] is missing',
  EndOfFileExpected: 'there is something after the end of the JSON',
  InvalidCommentToken: 'this is no comment',
  UnexpectedEndOfComment: 'a comment is not closed',
  UnexpectedEndOfString: 'a closing double quote is missing',
  UnexpectedEndOfNumber: 'a number is not finished',
  InvalidUnicode: 'after \\u there are not four hexadecimal digits',
  InvalidEscapeCharacter: 'this cannot stand after a backslash (a backslash itself is written \\\\)',
  InvalidCharacter: 'a control character stands in a text; write it as \\n, \\t or \\u….',
};

/** Reads JSON in which comments and trailing commas may stand. Throws `ConfigError` for the first fault. */
export async function parseJson(path: string, text: string): Promise<Document> {
  // The package is CommonJS in a form whose names Node does not see.
  const library = await import('jsonc-parser');
  // In the published build it is a module, and has no default.
  const jsonc = library.default ?? library;
  const errors: ParseError[] = [];
  const tree = jsonc.parseTree(text, errors, { allowTrailingComma: true });
  const at = ({ offset }: Place): string => {
    const before = text.slice(0, offset).split(/\r\n|\r|\n/);
    return `${path}:${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
  };
  const [first] = errors;
  if (first !== undefined) {
    const reason = REASONS[jsonc.printParseErrorCode(first.error)] ?? 'something is wrong here';
    throw new ConfigError(`${at(first)}: the file is not valid JSON: ${reason}`);
  }
  if (tree === undefined) throw new ConfigError(`${path}:1:1: the file is empty`);
  return { root: toValue(tree), at };
}

function toValue(node: Node): Value {
  const { offset } = node;
  const children = node.children ?? [];
  switch (node.type) {
    case 'object': {
      const members = children.map(toMember);
      // Unlike an assignment, fromEntries makes an own member of "__proto__" too.
      const plain = Object.fromEntries(members.map(({ key, value }) => [key, value.plain]));
      return { type: 'object', offset, plain, members, items: [] };
    }
    case 'array': {
      const items = children.map(toValue);
      return { type: 'array', offset, plain: items.map(({ plain }) => plain), members: [], items };
    }
    case 'property':
      throw new TypeError('a property is no value');
    default:
      return { type: node.type, offset, plain: node.value, members: [], items: [] };
  }
}

function toMember(node: Node): Member {
  const [key, value] = node.children ?? [];
  if (key === undefined || value === undefined) throw new TypeError('a property has a key and a value');
  return { key: String(key.value), offset: key.offset, value: toValue(value) };
}
