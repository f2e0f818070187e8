/** Starts programs for a test and ends every one of them; tells what is left of their process trees. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Program {
  readonly pid: number;
  /** What it wrote so far. */
  stdout(): string;
  stderr(): string;
  /** The first whole line on stdout or stderr for which `look` finds something. Rejects when the program ends before. */
  line<T>(stream: 'stdout' | 'stderr', look: (line: string) => T | undefined): Promise<T>;
  write(text: string): void;
  closeStdin(): void;
  kill(signal?: NodeJS.Signals): void;
  /** How it ended: `code` or `signal`. */
  readonly ended: Promise<{ readonly code: number | null; readonly signal: NodeJS.Signals | null }>;
}

export interface StartOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

const running = new Set<ChildProcess>();

/** A test's programs must not outlive it, whatever way the test run ends. */
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

export function start(command: string, args: readonly string[], options: StartOptions = {}): Program {
  const child = spawn(command, args, {
    env: { ...process.env, ...options.env },
    cwd: options.cwd,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  const { pid } = child;
  if (pid === undefined) throw new Error(`${command} cannot be started`);
  const text = { stdout: '', stderr: '' };
  const listeners = new Set<(stream: 'stdout' | 'stderr', line: string) => void>();
  const lines: { stream: 'stdout' | 'stderr'; line: string }[] = [];
  for (const stream of ['stdout', 'stderr'] as const) {
    child[stream].setEncoding('utf8').on('data', (chunk: string) => {
      text[stream] += chunk;
    });
    createInterface({ input: child[stream] }).on('line', (line) => {
      lines.push({ stream, line });
      for (const listener of listeners) listener(stream, line);
    });
  }
  // A program that has ended cannot read; its end is told by `ended`.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  return {
    pid,
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    write: (data) => void child.stdin.write(data),
    closeStdin: () => void child.stdin.end(),
    kill: (signal) => void child.kill(signal),
    line: (wanted, look) =>
      new Promise((resolve, reject) => {
        const listener = (stream: 'stdout' | 'stderr', line: string): boolean => {
          const found = stream === wanted ? look(line) : undefined;
          if (found === undefined) return false;
          listeners.delete(listener);
          resolve(found);
          return true;
        };
        if (lines.some(({ stream, line }) => listener(stream, line))) return;
        listeners.add(listener);
        void ended.then(({ code, signal }) =>
          reject(new Error(`${command} ${args.join(' ')} ended (${code ?? signal}): ${text.stderr}`)),
        );
      }),
  };
}

/** Ends a program as a service manager does, and waits for its end. */
export async function end(program: Program): Promise<void> {
  program.kill('SIGTERM');
  await program.ended;
}

/** The process ids of all descendants of a process. Linux only; elsewhere nothing is found. */
export function descendants(root: number): number[] {
  const children = new Map<number, number[]>();
  for (const entry of processIds()) {
    const parent = parentOf(entry);
    if (parent !== undefined) children.set(parent, [...(children.get(parent) ?? []), entry]);
  }
  const found: number[] = [];
  for (const queue = [root]; queue.length > 0; ) {
    const next = children.get(queue.shift() ?? 0) ?? [];
    found.push(...next);
    queue.push(...next);
  }
  return found;
}

export function isAlive(pid: number): boolean {
  return processIds().includes(pid) && !isZombie(pid);
}

function processIds(): number[] {
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function statOf(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    // It ended while we looked.
    return undefined;
  }
}

function parentOf(pid: number): number | undefined {
  const parent = statOf(pid)?.[1];
  return parent === undefined ? undefined : Number(parent);
}

function isZombie(pid: number): boolean {
  return statOf(pid)?.[0] === 'Z';
}
