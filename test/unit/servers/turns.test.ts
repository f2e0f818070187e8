import { describe, expect, it } from 'vitest';
import { Turns } from '../../../src/servers/turns.js';

class Taker {
  readonly name: string;
  haunted = false;
  sessions = 0;

  constructor(name: string) {
    this.name = name;
  }
}

function stage() {
  const turns = new Turns<Taker>();
  const takers = ['a', 'b', 'c'].map((name) => new Taker(name));
  for (const taker of takers) turns.add('group', taker);
  const [a, b, c] = takers;
  if (!a || !b || !c) throw new Error('no takers');
  return { turns, a, b, c, free: () => turns.free('group')?.name, any: () => turns.any('group')?.name };
}

describe('who takes the next call', () => {
  it('the one that was added or freed last', () => {
    const { turns, a, b, c, free } = stage();
    expect(free()).toBe('c');
    for (const one of [c, b, a]) turns.begin(one);
    expect(free()).toBeUndefined();
    turns.end('group', b);
    expect(free()).toBe('b');
    turns.end('group', a);
    turns.end('group', c);
    expect(free()).toBe('c');
  });

  it('none that may still be at work', () => {
    const { a, b, c, free } = stage();
    c.haunted = true;
    expect(free()).toBe('b');
    for (const one of [a, b]) one.haunted = true;
    expect(free()).toBeUndefined();
    c.haunted = false;
    expect(free()).toBe('c');
  });

  it('before others one that is kept for somebody who listens: the others may end then', () => {
    const { turns, a, b, free } = stage();
    a.sessions = 1;
    expect(free()).toBe('a');
    b.sessions = 2;
    expect(free()).toBe('b');
    turns.begin(b);
    expect(free()).toBe('a');
    turns.begin(a);
    expect(free()).toBe('c');
  });
});

describe('who is kept for those who listen', () => {
  it('the one that is kept for others, else the one that takes the next call, else the last', () => {
    const { turns, a, b, c, any } = stage();
    expect(any()).toBe('c');
    turns.begin(c);
    c.sessions = 1; // its call
    expect(any()).toBe('b');
    for (const one of [a, b]) turns.begin(one);
    expect(any()).toBe('c');
    turns.end('group', a);
    a.sessions = 1;
    expect(any()).toBe('a');
  });
});

describe('who is heard', () => {
  it('all of a group, those that are added later too, until nobody wants it any more', () => {
    const { turns, c } = stage();
    const heard: string[] = [];
    const also: string[] = [];
    const unwatch = turns.watch('group', ({ name }) => heard.push(name));
    turns.watch('group', ({ name }) => also.push(name));
    expect(heard).toEqual(['a', 'b', 'c']);
    turns.add('other', new Taker('z'));
    turns.add('group', new Taker('d'));
    turns.end('group', c);
    unwatch();
    turns.add('group', new Taker('e'));
    expect(heard).toEqual(['a', 'b', 'c', 'd']);
    expect(also).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('one that comes after all others are gone', () => {
    const { turns, a, b, c } = stage();
    const heard: string[] = [];
    turns.watch('group', ({ name }) => heard.push(name));
    for (const one of [a, b, c]) turns.remove(one);
    turns.add('group', new Taker('d'));
    expect(heard).toEqual(['a', 'b', 'c', 'd']);
  });
});

describe('a taker that is gone', () => {
  it('takes nothing more, and is not brought back by the end of its call', () => {
    const { turns, a, b, c, free, any } = stage();
    turns.begin(c);
    turns.remove(c);
    expect([free(), any()]).toEqual(['b', 'b']);
    turns.end('group', c);
    expect([free(), any()]).toEqual(['b', 'b']);
    for (const one of [a, b]) turns.remove(one);
    expect([free(), any()]).toEqual([undefined, undefined]);
    turns.end('group', a);
    expect(free()).toBeUndefined();
  });

  it('is of its group only', () => {
    const { turns } = stage();
    expect(turns.free('other')).toBeUndefined();
    turns.add('other', new Taker('z'));
    expect(turns.free('other')?.name).toBe('z');
    expect(turns.free('group')?.name).toBe('c');
  });
});
