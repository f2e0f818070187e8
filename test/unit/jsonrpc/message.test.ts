import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  LARGE,
  type Message,
  piecesOf,
  withId,
  withInserted,
  withToken,
} from '../../../src/jsonrpc/message.js';
import { scan } from '../../../src/jsonrpc/scan.js';
import { message } from '../relay/memory-link.js';

const LONG = 'x'.repeat(LARGE);
const large = message(
  `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"_meta":{"progressToken":"p"},"name":"n","text":"${LONG}"}}`,
);

/** Each rewrites one part of a message. */
const rewriting = fc.oneof(
  fc.integer({ min: 0, max: 1e15 }).map((id) => (one: Message) => withId(one, String(id))),
  fc.integer({ min: 0, max: 1e9 }).map((token) => (one: Message) => withToken(one, String(token))),
  fc
    .integer({ min: 0, max: 9 })
    .map((at) => (one: Message) => withInserted(one, one.paramsAt + 1, ' '.repeat(at))),
);

it('has the pieces of a large text that was rewritten, as often as that is done', () => {
  fc.assert(
    fc.property(fc.array(rewriting, { minLength: 1, maxLength: 6 }), (rewritings) => {
      const after = rewritings.reduce((one, rewrite) => rewrite(one), large);
      expect(piecesOf(after).join('')).toBe(after.text);
      expect(piecesOf(after).length).toBeGreaterThan(1);
      // The offsets are those of the new text.
      const { pieces: _, ...read } = scan(after.text) as Message;
      expect(after).toMatchObject(read);
    }),
    { numRuns: 200 },
  );
});

it('has a small text, and one as it came, in one piece', () => {
  const small = withId(message('{"jsonrpc":"2.0","id":1,"method":"m"}'), '2');
  expect([small.pieces, large.pieces]).toEqual([undefined, undefined]);
  expect(piecesOf(small)).toEqual(['{"jsonrpc":"2.0","id":2,"method":"m"}']);
});
