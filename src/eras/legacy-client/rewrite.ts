/** Messages with one part replaced, read again so that every offset is right. */
import type { Message } from '../../jsonrpc/message.js';
import { scan } from '../../jsonrpc/scan.js';
import type { Wire } from '../../jsonrpc/wire.js';

/** The text as one message; undefined where it is none (what was put in made it nested too deep, say). */
export function readMessage(text: Wire): Message | undefined {
  const scanned = scan(text);
  return scanned.kind === 'batch' || scanned.kind === 'malformed' ? undefined : scanned;
}

/** @param params raw JSON of an object; put in where the message has none */
export function withParams(message: Message, params: Wire): Message | undefined {
  const { text, paramsAt, paramsEnd } = message;
  if (paramsAt >= 0) return readMessage(text.slice(0, paramsAt) + params + text.slice(paramsEnd));
  const end = text.lastIndexOf('}');
  return readMessage(`${text.slice(0, end)},"params":${params}${text.slice(end)}`);
}

/** @param answer raw JSON of a result */
export function withResult(message: Message, answer: Wire): Message | undefined {
  return readMessage(
    message.text.slice(0, message.answerAt) + answer + message.text.slice(message.answerEnd),
  );
}
