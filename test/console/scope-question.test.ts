import { describe, expect, it } from 'vitest';
import { isPattern, patternScopes } from '../../src/index.js';
import { offeredScopes, selectionOf } from '../../src/console/app/parts/scope-question.js';

describe('a question about a scope', () => {
  const reaches = (text: string, scope: string) => {
    const selection = selectionOf(text, true);
    return 'pattern' in selection && selection.pattern.some((pattern) => patternScopes.overlaps(pattern, scope));
  };

  it('finds the scope, everything below it, and the patterns that cover either', () => {
    for (const scope of ['db-prod', 'db-prod:orders', 'db-prod:orders:write', 'db-prod:**', 'db-prod:*:write', '**', '*'])
      expect([scope, reaches('db-prod', scope)]).toEqual([scope, true]);
    for (const scope of ['db-prod2', 'db', 'logs:db-prod', 'db-prod2:orders'])
      expect([scope, reaches('db-prod', scope)]).toEqual([scope, false]);
  });

  it('is a pattern as it is written, and never one that the API refuses', () => {
    expect(selectionOf('db-prod:*:write', true)).toEqual({ pattern: ['db-prod:*:write'] });
    for (const longest of [Array(16).fill('a').join(':'), 'x'.repeat(256)]) {
      expect(isPattern(longest)).toBe(true);
      expect(selectionOf(longest, true)).toEqual({ pattern: [longest] });
    }
  });

  it('is exactly the scope with a matcher of the service', () => {
    expect(selectionOf('db-prod', false)).toEqual({ scope: 'db-prod' });
  });
});

describe('the scopes that a field offers', () => {
  const known = [{ scope: 'db-prod:orders:write', title: 'Orders: write' }, { scope: 'logs:checkout' }, { scope: 'db-prod:*:read' }];
  const offered = (text: string, hasParents: boolean) => offeredScopes(text, known, hasParents).map(({ scope }) => scope);

  it('are the known ones with its words, those that begin with the text first', () => {
    expect(offered('', false)).toEqual(['db-prod:*:read', 'db-prod:orders:write', 'logs:checkout']);
    expect(offered('orders', false)).toEqual(['db-prod:orders:write']);
    expect(offered('write orders', false)).toEqual(['db-prod:orders:write']);
    expect(offeredScopes('o', [{ scope: 'a:o' }, { scope: 'o:z' }], false).map(({ scope }) => scope)).toEqual(['o:z', 'a:o']);
    expect(offeredScopes('a', [{ scope: 'a' }, { scope: 'a', title: 'A' }], false)).toEqual([{ scope: 'a', title: 'A' }]);
  });

  it('are their parents too, for a question about all below them', () => {
    expect(offered('db', true)).toEqual(['db-prod', 'db-prod:*', 'db-prod:*:read', 'db-prod:orders', 'db-prod:orders:write']);
  });
});
