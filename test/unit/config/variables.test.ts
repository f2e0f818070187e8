// biome-ignore-all lint/suspicious/noTemplateCurlyInString: such texts are what is tested here.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expand } from '../../../src/config/variables.js';

const env = { HOME: '/root', EMPTY: '', TRICK: '${HOME}', GONE: undefined };

describe('variables', () => {
  it.each([
    ['plain', 'plain'],
    ['${HOME}/files', '/root/files'],
    ['${HOME}${HOME}', '/root/root'],
    ['${EMPTY}', ''],
    ['${HOME:-x}', '/root'],
    ['${EMPTY:-x}', 'x'],
    ['${NOPE:-x y/$z}', 'x y/$z'],
    ['${NOPE:-}', ''],
    ['$${HOME}', '${HOME}'],
    ['$${NOPE:-x}', '${NOPE:-x}'],
    ['$$${HOME}', '$${HOME}'],
    ['$${', '${'],
    ['$${A:-$${B}}', '${A:-${B}}'],
    ['$${A:-${HOME}}', '${A:-/root}'],
    ['$HOME $$ $', '$HOME $$ $'],
    // What a variable holds is not looked through again.
    ['${TRICK}', '${HOME}'],
  ])('%s is %s', (text, result) => {
    expect(expand(text, env)).toEqual({ text: result, unset: [], odd: false });
  });

  it('leaves what a request has, with its place', () => {
    expect(expand('a ${HOME} ${header:X-Api_Token}$${header:x}${principal}', env)).toEqual({
      text: 'a /root ${header:X-Api_Token}${header:x}${principal}',
      unset: [],
      odd: false,
      template: [
        'a ',
        '/root',
        ' ',
        { name: 'header:x-api_token' },
        '${',
        'header:x}',
        { name: 'principal' },
      ],
    });
    expect(expand('${header:}', env)).toMatchObject({ odd: true, template: undefined });
    expect(expand('${TRICK}', { TRICK: '${principal}' })).toMatchObject({ template: undefined });
  });

  it('tells those that are not set', () => {
    expect(expand('${NOPE} ${GONE} ${HOME}', env).unset).toEqual(['NOPE', 'GONE']);
    expect(expand('${constructor}', {}).unset).toEqual(['constructor']);
  });

  it.each(['${', '${}', '${1}', '${a.b}', '${input:token}', '${#x[@]}', '${HOME'])(
    'leaves %s as it is',
    (text) => {
      expect(expand(text, env)).toEqual({ text, unset: [], odd: true });
    },
  );

  it('leaves any text alone in which $ is never followed by {', () => {
    fc.assert(
      fc.property(
        fc.string().filter((text) => !text.includes('${')),
        (text) => {
          expect(expand(text, env)).toEqual({ text, unset: [], odd: false });
        },
      ),
    );
  });

  it('gives back any text whose ${ are written $${', () => {
    const pieces = fc.array(fc.constantFrom('${', 'A', '}', ':-', ' ', '{', '${HOME}'));
    fc.assert(
      fc.property(pieces, (list) => {
        const text = list.join('');
        expect(
          expand(
            text.replaceAll('${', () => '$${'),
            env,
          ),
        ).toEqual({ text, unset: [], odd: false });
      }),
    );
  });
});
