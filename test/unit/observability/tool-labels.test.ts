/** Which names of tools the metrics may have: whoever reads them may be somebody else than who was told of the tools. */
import { expect, it } from 'vitest';
import { Exchanges } from '../../../src/observability/exchanges.js';
import { Tally } from '../../../src/observability/tally.js';
import { message } from '../relay/memory-link.js';
import { CONVERSATION } from './conversation.js';

/** The tools by whose names two calls are counted, after the server has listed them. */
function labels(principal: string | undefined): string[] {
  const conversation = { ...CONVERSATION, principal };
  const tally = new Tally((_, tool) => !tool.includes('canary'));
  const exchanges = new Exchanges(conversation, [tally]);
  exchanges.fromClient(message('{"jsonrpc":"2.0","id":1,"method":"tools/list"}'));
  exchanges.toClient(
    message('{"jsonrpc":"2.0","id":1,"result":{"tools":[{"name":"plain"},{"name":"t_canary"}]}}'),
  );
  ['plain', 't_canary'].forEach((name, at) => {
    exchanges.fromClient(
      message(`{"jsonrpc":"2.0","id":${at + 2},"method":"tools/call","params":{"name":"${name}"}}`),
    );
    exchanges.toClient(message(`{"jsonrpc":"2.0","id":${at + 2},"result":{}}`));
  });
  const calls = tally.of('s').kinds.filter(({ method }) => method === 'tools/call');
  return calls.map(({ tool }) => tool);
}

it('names tools but for those in whose names a secret of the server stands', () => {
  expect(labels(undefined)).toEqual(['plain', '']);
});

it('names none where it is known who asks: it may be there for them alone', () => {
  expect(labels('key:ann')).toEqual(['']);
});
