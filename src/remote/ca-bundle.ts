import { readFileSync } from 'node:fs';
import { wordsOf } from '../observability/events.js';

/** The certificates of a file (PEM). Throws an `Error` in words where it cannot be read, or holds none. */
export function readBundle(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const reason = wordsOf(error);
    throw new Error(`The CA bundle ${path} (--verify-ssl) cannot be read: ${reason}`);
  }
  if (!holdsCertificate(text)) {
    throw new Error(`The CA bundle ${path} (--verify-ssl) holds no certificate in PEM form.`);
  }
  return text;
}

/** Node takes any text for a bundle, and would then trust nobody without a word. */
function holdsCertificate(text: string): boolean {
  const blocks = text.match(/-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----[^-]*-----END \1?CERTIFICATE-----/g);
  return blocks?.some(isCertificate) ?? false;
}

function isCertificate(pem: string): boolean {
  // Loaded here, because most starts need none of it.
  const { X509Certificate } = process.getBuiltinModule('node:crypto');
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false; // the parser's only way to say so
  }
}
