import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { locked, NoLock } from '../../../src/oauth/lock.js';

let directory = '';
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-lock-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const { signal } = new AbortController();
const nothing = async (): Promise<undefined> => undefined;

describe('a lock', () => {
  it('is held by one at a time, and left behind by nobody', async () => {
    const path = join(directory, 'new', 'lock');
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 5 }, () => locked(path, work, nothing, signal)));
    expect(most).toBe(1);
    expect(readdirSync(join(directory, 'new'))).toEqual([]);
  });

  it('is free again when the work fails', async () => {
    const path = join(directory, 'lock');
    const failing = async (): Promise<never> => {
      throw new Error('no');
    };
    await expect(locked(path, failing, nothing, signal)).rejects.toThrow('no');
    expect(await locked(path, async () => 'yes', nothing, signal)).toBe('yes');
  });

  it('of a process that has died is freed, once, whoever sees it', async () => {
    const path = join(directory, 'lock');
    writeFileSync(path, 'somebody');
    const past = new Date(Date.now() - 60_000);
    utimesSync(path, past, past);
    let inside = 0;
    let most = 0;
    const work = async (): Promise<void> => {
      inside += 1;
      most = Math.max(most, inside);
      await new Promise((resolve) => setTimeout(resolve, 20));
      inside -= 1;
    };
    await Promise.all(Array.from({ length: 8 }, () => locked(path, work, nothing, signal)));
    expect(most).toBe(1);
    expect(readdirSync(directory)).toEqual([]);
  });

  it('need not be waited for where what it is for is found', async () => {
    const path = join(directory, 'lock');
    writeFileSync(path, 'somebody who lives');
    let looks = 0;
    const look = async (): Promise<string | undefined> => (++looks < 2 ? undefined : 'found');
    expect(await locked(path, async () => 'done', look, signal)).toBe('found');
    expect(readdirSync(directory)).toEqual(['lock']);
  });

  it('is not waited for any more when the signal says so', async () => {
    const path = join(directory, 'lock');
    writeFileSync(path, 'somebody who lives');
    const over = new AbortController();
    const waiting = locked(path, nothing, nothing, over.signal);
    over.abort(new Error('enough'));
    await expect(waiting).rejects.toThrow();
  });

  it('that cannot be had is told, and nothing is begun', async () => {
    writeFileSync(join(directory, 'file'), '');
    let begun = false;
    const work = async (): Promise<void> => {
      begun = true;
    };
    await expect(locked(join(directory, 'file', 'lock'), work, nothing, signal)).rejects.toThrow(NoLock);
    expect(begun).toBe(false);
  });
});
