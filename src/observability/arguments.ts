import { MASK } from './secrets.js';

/** Longer words are hardly for people to read, and may be anything. */
const MAX_WORD = 64;
const OPTION = /^--[a-z][a-z0-9_-]{0,39}$/i;
const SHORT_OPTION = /^-[a-z]$/i;
/** Short options that many programs have and whose next word is no secret: `npx -y`, `python -m`. */
const HARMLESS_SHORT = new Set(['-y', '-m', '-v', '-q', '-i']);
const SECRET_NAME =
  /key|token|secret|pass|pwd|credential|auth|cookie|header|bearer|api|jwt|dsn|uri|url|conn|user|login|pin|cert|private|sign|session|env|data/i;
/** Letters, digits and what stands in names and paths; no `=`, `:`, `?`, `@`, quotes or blanks. */
const PLAIN = /^[\p{L}\p{N}._~/\\,-]+$/u;
const SCOPE = /^@(?=[\w.-]+\/)/;
/** How well-known tokens begin. */
const TOKEN = /^(eyJ|AKIA|ASIA|AIza|xox[a-z]-|github_pat_|glpat-|(sk|pk|rk|pat)[-_]|(gh[a-z]|npm|hf)_)/;
/** A part of a path that is as long as this and mixes letters and digits is more likely a token than a name. */
const TOKEN_LENGTH = 16;

/**
 * The arguments of a command as they may be shown. Nobody can tell every secret by its looks, so only what
 * is known to be harmless is shown: names of options, and plain words, paths and names of packages where
 * they do not follow an option that may take a secret. All else is the mask; the number stays.
 */
export function maskArguments(args: readonly string[]): string[] {
  return args.map((arg, at) => {
    if (takesSecret(args[at - 1] ?? '')) return MASK;
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    if (name === '--' || OPTION.test(name)) return equals < 0 ? name : `${name}=${MASK}`;
    return SHORT_OPTION.test(arg) || isHarmless(arg) ? arg : MASK;
  });
}

function takesSecret(before: string): boolean {
  if (!before.startsWith('-') || before.includes('=')) return false;
  return before.startsWith('--') ? SECRET_NAME.test(before) : !HARMLESS_SHORT.has(before);
}

function isHarmless(word: string): boolean {
  if (word.length > MAX_WORD || word.startsWith('-')) return false;
  const plain = word.replace(SCOPE, '');
  return PLAIN.test(plain) && !plain.split(/[/\\]/).some(looksLikeToken);
}

function looksLikeToken(part: string): boolean {
  if (TOKEN.test(part)) return true;
  return part.length >= TOKEN_LENGTH && /\d/.test(part) && /\p{L}/u.test(part);
}

/** Options whose values are secrets by their names; fewer than above, since their values go out of every text. */
const SURELY_SECRET = /key|token|secret|pass|pwd|credential|auth|cookie|bearer|jwt|dsn|private/i;

/** The arguments, or parts of them, that are secrets by the option before them or by their looks. */
export function secretArguments(args: readonly string[]): string[] {
  return [...args.flatMap(secretsOfUrl), ...secretWords(args)];
}

/** What a URL in an argument holds: its password, or a user that has none, and the values of its query. */
function secretsOfUrl(arg: string): string[] {
  const [url] = /\b[a-z][a-z0-9+.-]*:\/\/\S+/i.exec(arg) ?? [];
  if (url === undefined || !URL.canParse(url)) return [];
  const { username, password, search } = new URL(url);
  const values = search
    .slice(1)
    .split('&')
    .map((part) => part.slice(part.indexOf('=') + 1));
  return [password || username, ...values].filter((value) => value !== '');
}

function secretWords(args: readonly string[]): string[] {
  return args.flatMap((arg, at) => {
    const before = args[at - 1] ?? '';
    const [, name = '', value = ''] = /^(--[^=]+)=(.*)$/s.exec(arg) ?? [];
    if (name !== '') return SURELY_SECRET.test(name) || TOKEN.test(value) ? [value] : [];
    const isNamed = OPTION.test(before) && SURELY_SECRET.test(before);
    return isNamed || TOKEN.test(arg) ? [arg] : [];
  });
}
