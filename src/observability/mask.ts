/** What stands where a secret was. */
export const MASK = '***';

/** Shorter values than this are not looked for in texts: they would hide ordinary words. */
const MIN_SECRET = 6;

const SECRET_NAME = /key|token|secret|password|passwd|credential|auth|cookie/i;

/** Puts the mask in place of every one of these values in a text. */
export function maskValues(text: string, secrets: readonly string[]): string {
  let masked = text;
  for (const secret of secrets) if (secret.length >= MIN_SECRET) masked = masked.replaceAll(secret, MASK);
  return masked;
}

/**
 * The words of a command as they may be shown: the value of an option, or of `NAME=value`, whose name
 * says that it is a secret is masked, and so are the user's name and password in a URL.
 */
export function maskArguments(args: readonly string[]): string[] {
  let secretFollows = false;
  return args.map((arg) => {
    if (secretFollows && !arg.startsWith('-')) {
      secretFollows = false;
      return MASK;
    }
    const equals = arg.indexOf('=');
    const name = equals < 0 ? arg : arg.slice(0, equals);
    const secret = SECRET_NAME.test(name) && !name.includes('/');
    secretFollows = equals < 0 && secret && arg.startsWith('-');
    if (equals >= 0 && secret) return `${name}=${MASK}`;
    return maskUserinfo(arg);
  });
}

function maskUserinfo(text: string): string {
  return text.replace(/([a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, `$1${MASK}@`);
}
