/** Every error about an option names it: over the whole table, so that a new option is held to it, too. */
import { describe, expect, it } from 'vitest';
import { GROUPS, OPTIONS, type Option } from '../../../src/cli/option-table.js';
import { parseCommandLine } from '../../../src/cli/options.js';

/** What stands for the command, by where the option means something. */
function target({ scope }: Option): string {
  return scope === 'client' ? 'https://host.example/mcp' : 'cat';
}

/** The text of the usage error, or undefined where the line is taken. */
async function errorOf(option: Option, ...words: readonly string[]): Promise<string | undefined> {
  const first = option.scope === 'check' ? ['check'] : [];
  const line = await parseCommandLine([...first, ...words], {});
  return line.mode === 'usage-error' ? line.text.split('\n')[1] : undefined;
}

const NAMES = OPTIONS.flatMap((option) => option.names.map((name) => ({ name, option })));
const FLAGS = NAMES.filter(({ option: { arity } }) => arity === 'none' || arity === 'switch');
const TAKING = NAMES.filter(
  ({ option: { arity } }) => arity === 'one' || arity === 'two' || arity === 'many',
);

describe('errors name the option', () => {
  it.each(TAKING)('$name without a value', async ({ name, option }) => {
    expect(await errorOf(option, name)).toContain(`${name} needs ${option.metavar[0]}`);
    expect(await errorOf(option, target(option), name)).toContain(`${name} needs ${option.metavar[0]}`);
  });

  it.each(FLAGS.filter(({ name }) => name.startsWith('--')))(
    '$name with a value',
    async ({ name, option }) => {
      expect(await errorOf(option, `${name}=x`, target(option))).toContain(`${name} takes no value`);
    },
  );

  it.each(TAKING.filter(({ option: { arity } }) => arity === 'two'))(
    '$name with one word',
    async ({ name, option }) => {
      expect(await errorOf(option, name, 'x')).toContain(`${name} needs`);
      if (name.startsWith('--'))
        expect(await errorOf(option, `${name}=x`, target(option))).toContain(`${name} takes two`);
    },
  );

  it.each(TAKING.filter(({ name }) => name.startsWith('--')))(
    '$name with a value that is none',
    async ({ name, option }) => {
      const values = option.arity === 'two' ? ['', ''] : [''];
      for (const value of ['', '\u0000', 'no such value', '-1', '1e99', '%zz']) {
        const words = [name, ...values.map(() => value)];
        const error = await errorOf(option, ...words, '--', target(option));
        if (error !== undefined) expect(error).toContain(`--${option.id}`);
      }
    },
  );

  it.each(OPTIONS.filter(({ metavar: [first = ''] }) => first.startsWith('{')))(
    '--$id with none of its choices',
    async (option) => {
      const error = await errorOf(option, `--${option.id}`, 'none-of-them', target(option));
      expect(error).toContain(
        `--${option.id} is one of ${option.metavar[0]?.slice(1, -1).replaceAll(',', ', ')}`,
      );
    },
  );
});

it('each option has a name of its own, and each group some', () => {
  const names = NAMES.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  expect(new Set(OPTIONS.map(({ group }) => group))).toEqual(new Set(Object.keys(GROUPS)));
});
