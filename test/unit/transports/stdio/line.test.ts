import { expect, it } from 'vitest';
import { LARGE, withId } from '../../../../src/jsonrpc/message.js';
import { octetsOf } from '../../../../src/transports/octets.js';
import { lineOf } from '../../../../src/transports/stdio/line.js';
import { message } from '../../relay/memory-link.js';

const SEPARATORS = 'a\u2028b\u2029c\u0085dä€';
const ESCAPED = 'a\\u2028b\\u2029c\\u0085dä€';

/** A request with this text in it, as what is written to a pipe, read as UTF-8. */
function written(text: string, id?: string): string {
  const wire = Buffer.from(`{"jsonrpc":"2.0","id":1,"method":"m","params":{"t":"${text}"}}`).toString(
    'latin1',
  );
  const request = id === undefined ? message(wire) : withId(message(wire), id);
  const line = lineOf(request);
  return octetsOf(typeof line === 'string' ? [line] : line).toString();
}

it.each(['', '22'])(
  'escapes what some take for the end of a line, in small and large messages, with id %j',
  (id) => {
    const long = 'x'.repeat(LARGE);
    for (const more of ['', long]) {
      const line = written(SEPARATORS + more + SEPARATORS, id === '' ? undefined : id);
      const expected = `{"jsonrpc":"2.0","id":${id || 1},"method":"m","params":{"t":"${ESCAPED}${more}${ESCAPED}"}}\n`;
      expect(line).toBe(expected);
    }
  },
);
