/** Reads the Dockerfile and .dockerignore, so that the tests run what stands there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Copy, DockerfileParser, type Instruction, JSONInstruction } from 'dockerfile-ast';

export const ROOT = join(import.meta.dirname, '../../..');
export const TEXT = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');

interface Step {
  readonly keyword: string;
  /** What stands behind the keyword and its flags, on one line. */
  readonly rest: string;
  /** The words of a command that is given as a list. */
  readonly words: readonly string[];
  /** The stage or image that is copied from; empty: the folder that is built. */
  readonly from: string;
}

export interface Stage {
  readonly name: string;
  readonly image: string;
  readonly steps: readonly Step[];
}

/** The stages in their order. */
export function stages(): Stage[] {
  const found: { name: string; image: string; steps: Step[] }[] = [];
  for (const instruction of DockerfileParser.parse(TEXT).getInstructions()) {
    const keyword = instruction.getKeyword();
    if (keyword === 'FROM') {
      const [image = '', , name = ''] = (instruction.getArgumentsContent() ?? '').split(' ');
      found.push({ name, image, steps: [] });
    } else found.at(-1)?.steps.push(stepOf(instruction));
  }
  return found;
}

function stepOf(instruction: Instruction): Step {
  const words = instruction instanceof JSONInstruction ? instruction.getJSONStrings() : [];
  const flags = instruction instanceof Copy ? instruction.getFlags() : [];
  return {
    keyword: instruction.getKeyword(),
    rest: instruction
      .getArguments()
      .map((argument) => argument.getValue())
      .join(' '),
    words: words.map((word) => word.getJSONValue()),
    from: flags.find((flag) => flag.getName() === 'from')?.getValue() ?? '',
  };
}

/** What of this repository's top level the build gets: only lines of the form `*` and `!NAME` are known. */
export function buildContext(): string[] {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const [first, ...rest] = lines;
  if (first !== '*' || rest.some((line) => !/^![\w.-]+$/.test(line)))
    throw new Error('.dockerignore is not a list of what is let in');
  const names = rest.map((line) => line.slice(1));
  return readdirSync(ROOT).filter((name) => names.includes(name));
}

/** The words that a container's own are added to. */
export const ENTRYPOINT: readonly string[] =
  stages()
    .flatMap(({ steps }) => steps)
    .findLast(({ keyword }) => keyword === 'ENTRYPOINT')?.words ?? [];
