import { describe, expect, it } from 'vitest';
import { memo } from '../../../src/http/memo.js';

describe('memo', () => {
  it('computes once for the same text, and for another one anew', () => {
    const asked: string[] = [];
    const length = memo((text) => {
      asked.push(text);
      return text.length;
    });
    expect([length('a'), length('bb'), length('a'), length('bb')]).toEqual([1, 2, 1, 2]);
    expect(asked).toEqual(['a', 'bb']);
  });

  it('remembers a bounded number of short texts', () => {
    let computed = 0;
    const count = memo(() => ++computed);
    const long = 'x'.repeat(10_000);
    expect([count(long), count(long)]).toEqual([1, 2]);
    const first = count('0');
    for (let i = 1; i < 1000; i++) count(String(i));
    expect(count('0')).not.toBe(first);
  });
});
