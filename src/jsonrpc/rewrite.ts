/** Messages put together out of parts of others, read again so that every offset is right. */
import type { Message } from './message.js';
import { scan } from './scan.js';
import type { Wire } from './wire.js';

/** The text as one message; undefined where it is none (what was put in made it nested too deep, say). */
export function messageOf(text: Wire): Message | undefined {
  const scanned = scan(text);
  return scanned.kind === 'batch' || scanned.kind === 'malformed' ? undefined : scanned;
}

/** @param params raw JSON of an object; put in where the message has none */
export function withParams(message: Message, params: Wire): Message | undefined {
  const { text, paramsAt, paramsEnd } = message;
  if (paramsAt >= 0) return messageOf(text.slice(0, paramsAt) + params + text.slice(paramsEnd));
  const end = text.lastIndexOf('}');
  return messageOf(`${text.slice(0, end)},"params":${params}${text.slice(end)}`);
}

/** @param answer raw JSON of a result, or of an error */
export function withAnswer(message: Message, answer: Wire): Message | undefined {
  const { text, answerAt, answerEnd } = message;
  return messageOf(text.slice(0, answerAt) + answer + text.slice(answerEnd));
}
