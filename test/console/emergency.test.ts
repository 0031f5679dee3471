import { describe, expect, it } from 'vitest';
import type { Requestable } from '../../src/features/explain/requestable-types.js';
import { choicesOf, emergencyFor } from '../../src/console/app/views/emergency/choices.js';

const item = (scope: string, more: Partial<Requestable> = {}): Requestable => ({
  scope,
  title: undefined,
  description: undefined,
  risk: undefined,
  outcome: 'break_glass',
  approver: 'policy',
  rule: undefined,
  except: [],
  locked: false,
  patterns: false,
  minTtlMs: 1_000,
  maxTtlMs: 3_600_000,
  maxStartAheadMs: 0,
  needs: { justification: true, ticket: undefined, fields: [] },
  quorum: undefined,
  quorumInWords: undefined,
  afterReview: undefined,
  reviewers: undefined,
  breakGlass: true,
  usualWaitMs: undefined,
  ...more,
});

describe('the emergency item of a scope', () => {
  const within = item('db-prod:*', { except: ['db-prod:keys:*'] });

  it.each([
    ['the scope itself', [item('a:b')], 'a:b', 'a:b'],
    ['a pattern that covers it', [within], 'db-prod:orders', 'db-prod:*'],
    ['the first of several', [item('a:b', { outcome: 'review' }), item('a:*'), item('a:b')], 'a:b', 'a:*'],
    ['a pattern, where the rule gives patterns', [item('a:*', { patterns: true })], 'a:*', 'a:*'],
  ])('is found by %s', (_, items, scope, found) => {
    expect(emergencyFor(items, scope)?.scope).toBe(found);
  });

  it.each([
    ['no item covers it', [within], 'logs:read'],
    ['it is asked for and not taken', [item('a:b', { outcome: 'review' })], 'a:b'],
    ['a lock refuses it', [item('a:b', { locked: true })], 'a:b'],
    ['the rule gives no patterns', [item('a:*')], 'a:*'],
    ['the rule excepts it', [within], 'db-prod:keys:read'],
  ])('is not offered where %s', (_, items, scope) => {
    expect(emergencyFor(items, scope)).toBeUndefined();
  });
});

describe('the scopes of the dialog', () => {
  const items = [
    item('db-prod:orders', { title: 'The orders' }),
    item('logs:*'),
    item('db-prod:orders', { title: 'Said later' }),
    item('a:b', { locked: true }),
  ];
  const scopes = (search: string) => choicesOf(items, search).map(({ scope }) => scope);

  it('are those that can be taken now, each once, with the first title', () => {
    expect(choicesOf(items, '')).toEqual([{ scope: 'db-prod:orders', title: 'The orders' }]);
  });

  it('contain each of the words, in the scope or in the title', () => {
    expect(scopes('ORDERS the')).toEqual(['db-prod:orders']);
    expect(scopes('orders mail')).toEqual([]);
  });

  it('begin with the written scope, if a rule covers it', () => {
    expect(scopes(' logs:app ')).toEqual(['logs:app']);
    expect(scopes('logs:*')).toEqual([]);
    // Listed already, or two words: no scope of its own.
    expect(scopes('db-prod:orders')).toEqual(['db-prod:orders']);
    expect(scopes('logs:a logs:b')).toEqual([]);
  });
});
