import { type Option, optionNamed, type Subcommand } from './option-table.js';
import { looksLikeOrigin } from './origins.js';
import { UsageError } from './usage-error.js';

/** One option of the proxy's, as it was given. */
export interface GivenOption {
  readonly id: string;
  /** The spelling that was used. */
  readonly name: string;
  readonly values: readonly string[];
}

/** A command line taken apart. Nothing is known yet about whether the values are right. */
export type Split = { readonly kind: 'help' } | { readonly kind: 'version' } | RunSplit;

export interface RunSplit {
  readonly kind: 'run';
  readonly given: readonly GivenOption[];
  /** The first word that is no option of the proxy's; a command or a URL. */
  readonly command: string | undefined;
  readonly args: readonly string[];
}

/** Whether the word makes client mode. */
export function isUrl(word: string): boolean {
  return /^https?:\/\//i.test(word);
}

/**
 * Tells the proxy's own options from the command and its arguments.
 *
 * `--` ends the options, and everything after it is the command's. Without it the first word that is no
 * option begins the command; what follows is the command's too, save the proxy's own options. After a
 * URL there is no command, so that nothing can be its: unknown options are refused there as well.
 *
 * `--allow-origin` takes every word up to the next option or `--`, as the Python original does. Where
 * that reading is refused there (an unknown option comes before any command, or nothing is left to start)
 * and no `--` says where the command is, the list ends at the first word that has not the shape of an
 * origin, and the command begins with it: `--allow-origin https://a.example npx -y server` works, and no
 * line that works there means another thing here.
 *
 * @param subcommand the word that stood before these, whose options are taken as well
 * Throws `UsageError`.
 */
export function split(argv: readonly string[], subcommand?: Subcommand): Split {
  const [asOriginal, error] = attempt(argv, () => true, subcommand);
  if (asOriginal !== undefined && !startsNothing(asOriginal)) return asOriginal;
  if (!argv.includes('--')) {
    const [byShape] = attempt(argv, looksLikeOrigin, subcommand);
    if (byShape !== undefined && !startsNothing(byShape)) return byShape;
  }
  if (asOriginal !== undefined) return asOriginal;
  throw error;
}

function startsNothing(result: Split): boolean {
  return (
    result.kind === 'run' &&
    result.command === undefined &&
    !result.given.some(({ id }) => id === 'named-server' || id === 'named-server-config')
  );
}

type Attempt = readonly [Split, undefined] | readonly [undefined, UsageError];

function attempt(
  argv: readonly string[],
  isOrigin: (word: string) => boolean,
  subcommand: Subcommand | undefined,
): Attempt {
  try {
    return [new Splitter(argv, isOrigin, subcommand).run(), undefined];
  } catch (error) {
    if (error instanceof UsageError) return [undefined, error];
    throw error;
  }
}

class Splitter {
  readonly #argv: readonly string[];
  readonly #isOrigin: (word: string) => boolean;
  readonly #subcommand: Subcommand | undefined;
  #at = 0;
  readonly #given: GivenOption[] = [];
  /** The command with its arguments. */
  readonly #words: string[] = [];

  constructor(
    argv: readonly string[],
    isOrigin: (word: string) => boolean,
    subcommand: Subcommand | undefined,
  ) {
    this.#argv = argv;
    this.#isOrigin = isOrigin;
    this.#subcommand = subcommand;
  }

  run(): Split {
    for (let word = this.#next(); word !== undefined; word = this.#next()) {
      if (word === '--') {
        this.#words.push(...this.#argv.slice(this.#at));
        break;
      }
      const equals = word.startsWith('--') ? word.indexOf('=') : -1;
      const name = equals < 0 ? word : word.slice(0, equals);
      const option = this.#optionNamed(name);
      if (option === undefined) this.#foreign(word, name);
      else if (option.id === 'help' || option.id === 'version') {
        // A command has a help and a version of its own; a URL has not.
        if (this.#inCommand()) this.#words.push(word);
        else if (equals < 0) return { kind: option.id };
        else throw new UsageError(`${name} takes no value`);
      } else {
        const values =
          equals < 0 ? this.#values(option, name) : this.#attached(option, name, word.slice(equals + 1));
        this.#given.push({ id: option.id, name, values });
      }
    }
    const [command, ...args] = this.#words;
    return { kind: 'run', given: this.#given, command, args };
  }

  /** What belongs to one subcommand is another's, and a server's command's, own. */
  #optionNamed(name: string): Option | undefined {
    const option = optionNamed(name);
    if (option?.scope !== 'check') return option;
    // Such an option is new among those that a line may have had for its command before.
    return this.#subcommand === 'check' && !this.#inCommand() ? option : undefined;
  }

  #next(): string | undefined {
    const word = this.#argv[this.#at];
    if (word !== undefined) this.#at++;
    return word;
  }

  #inCommand(): boolean {
    const [command] = this.#words;
    return command !== undefined && !isUrl(command);
  }

  /** A word that is no option of the proxy's. Only the name is shown of what may hold a secret. */
  #foreign(word: string, name: string): void {
    if (this.#inCommand() || !isDashed(word)) {
      this.#words.push(word);
      return;
    }
    const where = this.#words.length === 0 ? 'before the command' : 'after the URL';
    throw new UsageError(`unknown option ${name} ${where}; options are not abbreviated, see --help`);
  }

  #attached(option: Option, name: string, value: string): string[] {
    if (option.arity === 'none' || option.arity === 'switch') throw new UsageError(`${name} takes no value`);
    if (option.arity === 'two') {
      throw new UsageError(`${name} takes two words, not one after "=": ${name} ${option.metavar.join(' ')}`);
    }
    return [value];
  }

  #values(option: Option, name: string): string[] {
    switch (option.arity) {
      case 'none':
      case 'switch':
        return [];
      case 'one':
        return [this.#required(option, name, false)];
      case 'two': {
        const key = this.#required(option, name, false);
        // A header or a variable may have any value; a command never begins with a dash.
        return [key, this.#required(option, name, option.id !== 'named-server')];
      }
      case 'optional': {
        const word = this.#argv[this.#at];
        return word === undefined || isOptionLike(word) || isUrl(word)
          ? []
          : [this.#required(option, name, false)];
      }
      case 'many': {
        const values = [this.#required(option, name, false)];
        for (let word = this.#argv[this.#at]; word !== undefined; word = this.#argv[this.#at]) {
          if (isOptionLike(word) || !this.#isOrigin(word)) break;
          values.push(word);
          this.#at++;
        }
        return values;
      }
    }
  }

  #required(option: Option, name: string, dashed: boolean): string {
    const word = this.#argv[this.#at];
    if (word !== undefined && word !== '--' && (dashed || !isOptionLike(word))) {
      this.#at++;
      return word;
    }
    const needs = `${name} needs ${option.metavar.join(' ')}`;
    if (this.#inCommand()) {
      throw new UsageError(`${needs}; where it is meant for the command, put -- before the command`);
    }
    const attach = option.arity === 'two' || word === undefined || word === '--';
    throw new UsageError(
      attach ? needs : `${needs}; write ${name}=VALUE for a value that begins with a dash`,
    );
  }
}

function isDashed(word: string): boolean {
  return word.length > 1 && word.startsWith('-');
}

/** Whether a word can't be a value. Negative numbers can, and what has a space in it, as in Python's argparse. */
function isOptionLike(word: string): boolean {
  if (word === '--') return true;
  return isDashed(word) && !/^-\d+$|^-\d*\.\d+$/.test(word) && !word.includes(' ');
}
