import { describe, expect, it } from 'vitest';
import { HookError, LayoutError, MovedError, RollbackError, StoreError } from '../../../src/core/errors.js';
import { toProblem } from '../../../src/http.js';

describe('[A33] the answer to a failure that lasts until an operator acts', () => {
  it.each([
    ['a hook that refuses', new HookError('c1', new Error('no')), /hook of the service refuses/],
    ['a contract that is due', new LayoutError(2, 1, 2), /operator must finish it/],
    ['a store that moved', new MovedError('payments', 'redis'), /moved to another store/],
    ['a store that went back', new RollbackError({ seq: 3, hash: 'x' }, { seq: 1, hash: 'h' }), /operator must accept/],
  ])('names it for %s, and asks for no repeat', (_, error, text) => {
    const { status, headers, body } = toProblem(error);
    expect([status, headers['retry-after']]).toEqual([503, undefined]);
    expect(body.detail).toMatch(text);
    expect(body.detail).not.toMatch(/later/);
  });

  it('is not that of a store that is down', () => {
    const { headers, body } = toProblem(new StoreError('commit', 'down'));
    expect([headers['retry-after'], body.detail]).toEqual(['5', expect.stringMatching(/Repeat the call later/)]);
  });
});
