import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ApiKeys } from '../../../src/auth/api-keys.js';
import type { ProxyEvent } from '../../../src/observability/events.js';
import { guards } from '../../security.js';
import { HandClock } from '../relay/hand-clock.js';

const ANN = 'ann-0123456789abcdef';
const BOB = 'bob-0123456789abcdef';

let directory: string;
let file: string;
let clock: HandClock;
let events: ProxyEvent[];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'mcp-proxy-'));
  file = join(directory, 'keys');
  clock = new HandClock();
  events = [];
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(text: string, mode = 0o600): void {
  writeFileSync(file, text);
  chmodSync(file, mode);
}

function open(list?: string): ApiKeys {
  return new ApiKeys({ file, list, clock, emit: (event) => events.push(event) });
}

function told(): string {
  return events.map(({ level, text }) => `${level} ${text}`).join('\n');
}

describe('the file', () => {
  it(`${guards('keys.reloaded')} is read again when it has changed, once a second at most`, () => {
    write(`ann:${ANN}`);
    const keys = open();
    expect(keys.find(ANN)?.principal.id).toBe('key:ann');
    write(`bob:${BOB}`);
    expect(keys.find(BOB)).toBeUndefined();
    clock.advance(1000);
    expect([keys.find(ANN), keys.find(BOB)?.principal.id]).toEqual([undefined, 'key:bob']);
    expect(told()).toBe(`info the keys were read again: there are 1 in ${file}`);
  });

  it.each([
    ['that is empty', () => write('')],
    ['that is broken', () => write('ann:has a space')],
    ['that is gone', () => rmSync(file)],
  ])(`${guards('keys.broken-file')} %s changes nothing, which is told once`, (_, spoil) => {
    write(`ann:${ANN}`);
    const keys = open();
    spoil();
    for (let second = 0; second < 3; second++) {
      clock.advance(1000);
      expect(keys.find(ANN)?.principal.id).toBe('key:ann');
    }
    expect(events).toHaveLength(1);
    expect(told()).toMatch(/^warning .*stay as they were: /);
    expect(told()).not.toContain('has a space');
    write(`bob:${BOB}`);
    clock.advance(1000);
    expect([keys.find(ANN), keys.find(BOB)?.principal.id]).toEqual([undefined, 'key:bob']);
  });

  it.each([0o604, 0o606, 0o666])(
    `${guards('keys.permissions')} that others may read is told of: %o`,
    (mode) => {
      write(`ann:${ANN}`, mode);
      open();
      expect(told()).toMatch(/^warning .*only its owner should read it/);
    },
  );

  it('that cannot be used is no start', () => {
    expect(open).toThrow(/--api-key-file .* cannot be used: ENOENT/);
    write('# none');
    expect(open).toThrow(/there is no key in it/);
  });
});

it('keys of the list are there beside those of the file, and stay', () => {
  write(`${BOB}`);
  const keys = open(`${ANN}`);
  const [ann, bob] = [ANN, BOB].map((key) => createHash('sha256').update(key).digest('hex').slice(0, 8));
  expect([keys.find(ANN)?.principal.id, keys.find(BOB)?.principal.id]).toEqual([
    `key:#${ann}`,
    `key:#${bob}`,
  ]);
  expect(told()).toBe(
    `info keys without a name are called by the beginning of their SHA-256: #${ann}, #${bob}`,
  );
  write('carl:carl-0123456789abcdef');
  clock.advance(1000);
  expect([keys.find(ANN)?.principal.id, keys.find(BOB)]).toEqual([`key:#${ann}`, undefined]);
});

it('a key of the list is in the file under the same name, or there is no start', () => {
  write(`bob:${ANN}`);
  expect(() => open(`ann:${ANN}`)).toThrow(/--api-key-file .*line 1: .*another name/);
  write(`ann:${ANN}`);
  const keys = open(`ann:${ANN}`);
  write(`bob:${BOB}\ncarl:${ANN}`);
  clock.advance(1000);
  expect([keys.find(ANN)?.principal.id, keys.find(BOB)]).toEqual(['key:ann', undefined]);
  expect(told()).toMatch(/^warning .*stay as they were: line 2: .*another name/);
});

it('a key that can be found by trying is told of, by its name', () => {
  write('ann:short');
  open();
  expect(told()).toMatch(/^warning the key "ann" is short/);
  expect(told()).not.toContain('ann:short');
});
