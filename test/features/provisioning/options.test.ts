import { describe, expect, it } from 'vitest';
import { parseTarget } from '../../../src/features/provisioning/options.js';
import { rolesTarget, Roles } from './external-system.js';

describe('parseTarget()', () => {
  it.each([
    ['no name', { name: '' }, 'target.name'],
    ['a long name', { name: 'n'.repeat(201) }, 'target.name'],
    ['no scopes', { scopes: [] }, 'target.scopes'],
    ['a malformed pattern', { scopes: ['db:a*'] }, 'target.scopes[0]'],
    ['a pattern twice', { scopes: ['db:*', 'db:*'] }, 'target.scopes'],
    ['no read function', { read: [] }, 'target.read'],
    ['renews that is not a boolean', { renews: 1 }, 'target.renews'],
    ['a retryAfter longer than maxRetryAfter', { retryAfter: '10m' }, 'target.retryAfter'],
    ['a scope twice', { scopes: ['db:a', 'db:a'] }, 'target.scopes'],
    ['no apply function', { apply: 'x' }, 'target.apply'],
    ['zero tries', { tries: 0 }, 'target.tries'],
    ['a retryAfter of zero', { retryAfter: 0 }, 'target.retryAfter'],
    ['a timeout that is not a duration', { timeout: 'never' }, 'target.timeout'],
    ['a misspelt field', { applly: () => undefined }, 'target'],
  ])('refuses %s', (_what, over, argument) => {
    const given = { ...rolesTarget(new Roles()), ...over };
    expect(() => parseTarget(given)).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error);
  });
});
