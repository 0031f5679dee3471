import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { readPolicy } from 'jit-access/policy';

const file = 'schema/policy.schema.json';
const published = readFileSync(file, 'utf8');
// Strict: throws on an unknown keyword of a schema.
const validate = new Ajv2020({ strictSchema: true, strictTypes: true }).compile(JSON.parse(published) as object);

const head = { id: 'prod', scopes: ['db:*'] };
const whole = {
  $schema: './policy.schema.json',
  name: 'on-call',
  groups: { dba: ['user:ana'], 'on-call': [] },
  rules: [
    { id: 'no', scopes: ['db:secret'], subjects: [{ like: 'agent:*' }], deny: 'never' },
    {
      id: 'open',
      title: 'The wiki',
      description: 'All pages,\nalso drafts',
      risk: 'low',
      scopes: ['wiki:**'],
      subjects: ['user:zoe', { group: 'dba' }],
      requesters: [{ self: true }, { group: 'dba' }],
      patterns: true,
      approve: true,
    },
    {
      ...head,
      minTtl: '1s',
      maxTtl: '1h30m',
      maxStartAhead: '7d',
      require: { justification: true, ticket: 'INC-####' },
      warnBefore: ['1h', 300_000],
      idleTtl: '10m',
      maxUses: 3,
      maxTotal: '4h',
      review: {
        groups: { dba: 1 },
        denials: 1,
        approvalTtl: '30m',
        reviewWithin: '2h',
        escalate: { to: 'on-call', after: '1h' },
        remindEvery: '30m',
      },
    },
  ],
  breakGlass: [
    { id: 'outage', scopes: ['db:*'], maxTtl: '15m', require: { ticket: true }, reviewers: ['dba'], reviewWithin: '1d', maxUnreviewed: 1 },
  ],
  catalogue: [
    { scope: 'wiki:home', title: 'Home' },
    { scope: 'db:orders', description: 'Orders', risk: 'critical' },
  ],
};
const minutes = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}m`);
const withRule = (rule: object) => ({ groups: { dba: ['user:ana'] }, rules: [rule] });
const isAccepted = (given: unknown) => {
  try {
    readPolicy(JSON.stringify(given));
    return true;
  } catch {
    return false;
  }
};

describe('the published JSON Schema', () => {
  it('describes every field', () => {
    const isUndescribed = (value: unknown): boolean => typeof value === 'object' && value !== null && Object.keys(value).length === 0;
    const all: unknown[] = [];
    const walk = (value: unknown): void => {
      all.push(value);
      if (typeof value === 'object' && value !== null) Object.values(value).forEach(walk);
    };
    walk(JSON.parse(published));
    expect(all.filter(isUndescribed)).toEqual([]);
  });

  it.each<[string, unknown, boolean]>([
    ['a whole policy', whole, true],
    ['no rules', { rules: [] }, true],
    ['a policy without rules', {}, false],
    ['a misspelt field', withRule({ ...head, aprove: true }), false],
    ['a misspelt field of a review', withRule({ ...head, review: { groups: { dba: 1 }, denails: 1 } }), false],
    ['two outcomes', withRule({ ...head, approve: true, deny: 'no' }), false],
    ['no outcome', withRule(head), false],
    ['a deny rule with a condition', withRule({ ...head, deny: 'no', maxTtl: '1h' }), false],
    ['a deny rule with subjects', withRule({ ...head, subjects: ['user:ana'], deny: 'no' }), true],
    ['an invalid scope', withRule({ ...head, scopes: ['db::write'], approve: true }), false],
    ['a star inside a segment', withRule({ ...head, scopes: ['db*'], approve: true }), false],
    ['two stars before the end', withRule({ ...head, scopes: ['**:db'], approve: true }), false],
    ['a scope of 256 characters', withRule({ ...head, scopes: [`${'a'.repeat(63)}:`.repeat(4).slice(0, 255) + 'b'], approve: true }), true],
    ['a scope of 17 segments', withRule({ ...head, scopes: [Array(17).fill('a').join(':')], approve: true }), false],
    ['a rule named like a shortened list', withRule({ ...head, id: 'a...', approve: true }), false],
    ['a rule with dots in its name', withRule({ ...head, id: '...a', approve: true }), true],
    ['a number that is 0', withRule({ ...head, review: { groups: { dba: 0 } } }), false],
    ['[A12] a number that looks like seconds', withRule({ ...head, maxTtl: 3_600, approve: true }), false],
    ['a time that is 0', withRule({ ...head, maxTtl: 0, approve: true }), false],
    ['a time in words', withRule({ ...head, maxTtl: 'an hour', approve: true }), false],
    ['one warning', withRule({ ...head, warnBefore: '5m', approve: true }), true],
    ['ten warnings', withRule({ ...head, warnBefore: minutes(10), approve: true }), true],
    ['eleven warnings', withRule({ ...head, warnBefore: minutes(11), approve: true }), false],
    ['an empty list of warnings', withRule({ ...head, warnBefore: [], approve: true }), false],
    ['a warning twice', withRule({ ...head, warnBefore: ['5m', '5m'], approve: true }), false],
    ['a warning that is not a duration', withRule({ ...head, warnBefore: ['5m', 0], approve: true }), false],
    ['two stars', withRule({ ...head, subjects: [{ like: '**' }], approve: true }), false],
    ['itself among subjects', withRule({ ...head, subjects: [{ self: true }], approve: true }), false],
    ['a name with a space', withRule({ ...head, id: 'a b', approve: true }), false],
    ['a ticket with text after the star', withRule({ ...head, require: { ticket: '*-1' }, approve: true }), false],
    ['a group with an invalid name', { groups: { 'a b': [] }, rules: [] }, false],
    ['a group that is not a list', { groups: { dba: { members: [] } }, rules: [] }, false],
    ['a title of 256 characters', withRule({ ...head, title: 'x'.repeat(256), approve: true }), true],
    ['a title of 257 characters', withRule({ ...head, title: 'x'.repeat(257), approve: true }), false],
    ['an empty description', withRule({ ...head, description: '', approve: true }), false],
    ['a risk of another word', withRule({ ...head, risk: 'severe', approve: true }), false],
    ['a deny rule with a title', withRule({ ...head, title: 'x', deny: 'no' }), false],
    ['a catalogue without items', { rules: [], catalogue: [] }, true],
    ['a pattern in the catalogue', { rules: [], catalogue: [{ scope: 'db:*' }] }, false],
    ['an item without a scope', { rules: [], catalogue: [{ title: 'x' }] }, false],
    ['an item with another field', { rules: [], catalogue: [{ scope: 'a', owner: 'x' }] }, false],
    ['break-glass without a review', { rules: [], breakGlass: [{ ...head, maxTtl: 1, reviewers: ['dba'] }] }, false],
  ])('accepts and refuses the same as the code: %s', (_, given, expected) => {
    expect(validate(given)).toBe(expected);
    expect(isAccepted(given)).toBe(expected);
  });
});
