import { expect, it } from 'vitest';
import { presented } from '../../../src/auth/presented.js';

const BEARER = { kind: 'one', credential: 'k', isBearer: true };
const KEY = { kind: 'one', credential: 'k', isBearer: false };

it.each([
  [{ authorization: 'Bearer k' }, BEARER],
  [{ authorization: 'bearer  k ' }, BEARER],
  [{ 'x-api-key': 'k' }, KEY],
  [{ 'x-api-key': ' k ' }, KEY],
  [{ authorization: 'Bearer k', 'x-api-key': 'k' }, BEARER],
  [{ authorization: 'Basic a2s=', 'x-api-key': 'k' }, KEY],
])('%j shows one credential', (headers, expected) => {
  expect(presented(headers)).toEqual(expected);
});

it.each([{}, { authorization: 'Basic a2s=' }, { authorization: 'Bearerk' }, { cookie: 'x-api-key=k' }])(
  '%j shows nothing',
  (headers) => {
    expect(presented(headers)).toEqual({ kind: 'nothing' });
  },
);

it.each([
  { authorization: 'Bearer k', 'x-api-key': 'l' },
  { authorization: 'Bearer', 'x-api-key': 'l' },
  { authorization: 'Bearer k l', 'x-api-key': 'k' },
])('%j contradicts itself', (headers) => {
  expect(presented(headers)).toEqual({ kind: 'contradiction' });
});

it.each(['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a, Bearer b'])(
  '%j shows what nobody has',
  (authorization) => {
    expect(presented({ authorization })).toMatchObject({ kind: 'one', credential: '' });
  },
);
