import { InvalidArgumentError } from 'jit-access';
import { describe, expect, it } from 'vitest';
import { definePolicy, readPolicy } from 'jit-access/policy';

const fine = { id: 'prod', scopes: ['db:*'], approve: true };
const review = (over: object, head: object = { id: 'prod', scopes: ['db:*'] }) => ({ ...head, review: { groups: { dba: 1 }, ...over } });
const withRule = (rule: object) => ({
  groups: { dba: ['user:ana'], 'on-call': [] },
  rules: [{ id: 'first', scopes: ['wiki:*'], approve: true }, rule],
});
const withEmergency = (over: object) => ({
  groups: { dba: ['user:ana'] },
  rules: [],
  breakGlass: [{ id: 'outage', scopes: ['db:*'], maxTtl: '15m', reviewers: ['dba'], reviewWithin: '1d', ...over }],
});

function problemOf(given: unknown, read: (given: never) => unknown = definePolicy): InvalidArgumentError {
  try {
    read(given as never);
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return error as InvalidArgumentError;
  }
  throw new Error('it was accepted');
}

describe('an invalid policy', () => {
  const at = 'rules[1] ("prod")';
  const times = "a whole number of milliseconds from 1 to 1e12, or a string like '30m' or '1h30m'";
  it.each<[string, unknown, string]>([
    ['a misspelt field', withRule({ ...fine, maxTTL: '1h' }), `${at}.maxTTL must be omitted, or spelled maxTtl; got an unknown field`],
    [
      'a misspelt outcome',
      withRule({ id: 'prod', scopes: ['db:*'], aprove: true }),
      `${at}.aprove must be omitted, or spelled approve; got an unknown field`,
    ],
    [
      'a misspelt field that is needed',
      withRule({ id: 'prod', scops: ['db:*'], approve: true }),
      `${at}.scops must be omitted, or spelled scopes; got an unknown field`,
    ],
    [
      'letters that are swapped',
      withRule(review({ escalate: { ot: 'dba', after: '1h' } })),
      `${at}.review.escalate.ot must be omitted, or spelled to; got an unknown field`,
    ],
    [
      'a field like no other',
      withRule(review({ quorum: 2 })),
      `${at}.review.quorum must be omitted: the fields are groups, steps, anyOf, denials, approvalTtl, reviewWithin, escalate, assurance, remindEvery; got an unknown field`,
    ],
    [
      'a title of two lines',
      withRule({ ...fine, title: 'a\nb' }),
      `${at}.title must be a title: 1-256 characters on one line, without a space at either end; got "a\\nb"`,
    ],
    ['a blank description', withRule({ ...fine, description: ' ' }), `${at}.description must be a text that is not blank; got " "`],
    ['a description that is a number', withRule({ ...fine, description: 7 }), `${at}.description must be a text that is not blank; got 7`],
    ['a risk of another word', withRule({ ...fine, risk: 'severe' }), `${at}.risk must be low, medium, high, critical; got "severe"`],
    [
      'a scope of the catalogue that is a pattern',
      { rules: [], catalogue: [{ scope: 'db:*' }] },
      'catalogue[0].scope must be 1-16 segments of [A-Za-z0-9_.~@/+=-] joined by ":", at most 256 characters in all, and no pattern here; got "db:*"',
    ],
    [
      'a scope of the catalogue that is listed twice',
      { rules: [], catalogue: [{ scope: 'db:a' }, { scope: 'db:a', title: 'A' }] },
      'catalogue[1].scope must be listed only once; got "db:a"',
    ],
    ['a catalogue that is an object', { rules: [], catalogue: {} }, 'catalogue must be a list; got an object'],
    ['a misspelt part of the policy', { ruels: [], rules: [] }, 'ruels must be omitted, or spelled rules; got an unknown field'],
    [
      'an unknown group',
      withRule(review({ groups: { dbas: 1 } })),
      `${at}.review.groups.dbas must be a defined group (did you mean dba?); got "dbas"`,
    ],
    [
      'a group like no other',
      withRule(review({ escalate: { to: 'management', after: '1h' } })),
      `${at}.review.escalate.to must be a defined group (dba, on-call); got "management"`,
    ],
    [
      'a group although the policy has none',
      { rules: [{ ...fine, subjects: [{ group: 'sre' }] }] },
      'rules[0] ("prod").subjects[0].group must be a defined group (none is defined); got "sre"',
    ],
    [
      'an unknown group of requesters',
      withRule({ ...fine, requesters: [{ self: true }, { group: 'dba ' }] }),
      `${at}.requesters[1].group must be a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]; got "dba "`,
    ],
    [
      'a group named like what objects have',
      withRule({ ...fine, subjects: [{ group: 'constructor' }] }),
      `${at}.subjects[0].group must be a defined group (dba, on-call); got "constructor"`,
    ],
    [
      'a number that is 0',
      withRule(review({ groups: { dba: 0 } })),
      `${at}.review.groups.dba must be a whole number from 1 to 1000; got 0`,
    ],
    [
      'a number that is a string',
      withRule(review({ groups: { dba: '2' } })),
      `${at}.review.groups.dba must be a whole number from 1 to 1000; got "2"`,
    ],
    ['no denials', withRule(review({ denials: 0 })), `${at}.review.denials must be a whole number from 1 to 1000; got 0`],
    ['no uses', withRule({ ...fine, maxUses: 0 }), `${at}.maxUses must be a whole number from 1; got 0`],
    [
      'no group to review',
      withRule(review({ groups: {} })),
      `${at}.review.groups must be an object with at least one group, for example { dba: 1 }; got no group`,
    ],
    [
      'a list of groups',
      withRule(review({ groups: ['dba'] })),
      `${at}.review.groups must be an object of groups and their numbers of approvals, for example { "dba": 1 }; got an array`,
    ],
    [
      'two outcomes',
      withRule({ ...fine, deny: 'no' }),
      `${at} must be a rule with exactly one of approve, deny and review; got approve and deny`,
    ],
    [
      'no outcome',
      withRule({ id: 'prod', scopes: ['db:*'] }),
      `${at} must be a rule with exactly one of approve, deny and review; got none`,
    ],
    ['an invalid outcome', withRule({ ...fine, approve: false }), `${at}.approve must be true; got false`],
    [
      'no reason to deny',
      withRule({ id: 'prod', scopes: ['db:*'], deny: ' ' }),
      `${at}.deny must be the reason of the denial, as text that is not blank; got " "`,
    ],
    [
      'a limit on what is denied',
      withRule({ id: 'prod', scopes: ['db:*'], deny: 'no', maxTtl: '1h' }),
      `${at}.maxTtl must be omitted: a deny rule has only id, scopes, subjects, when and deny; got a condition`,
    ],
    [
      'an id used twice',
      withRule({ ...fine, id: 'first' }),
      'rules[1] ("first").id must be an id that no other rule has; got the id of rules[0] ("first")',
    ],
    [
      'an id with a space',
      withRule({ ...fine, id: 'prod write' }),
      'rules[1] ("prod write").id must be a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]; got "prod write"',
    ],
    [
      'an id of another kind',
      withRule({ ...fine, id: 7 }),
      'rules[1].id must be a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]; got 7',
    ],
    [
      'no id',
      withRule({ scopes: ['db:*'], approve: true }),
      'rules[1].id must be a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]; got undefined',
    ],
    ['no scopes', withRule({ ...fine, scopes: [] }), `${at}.scopes must be a list of at least 1; got an array`],
    ['one scope without a list', withRule({ ...fine, scopes: 'db:*' }), `${at}.scopes must be a list; got "db:*"`],
    ['no subjects', withRule({ ...fine, subjects: [] }), `${at}.subjects must be a list of at least 1; got an array`],
    [
      'a subject of two kinds',
      withRule({ ...fine, subjects: [{ group: 'dba', like: 'user:*' }] }),
      `${at}.subjects[0] must be an id, { "like": "user:*" }, or { "group": name }; got an object`,
    ],
    [
      'a misspelt kind of subject',
      withRule({ ...fine, subjects: [{ grop: 'dba' }] }),
      `${at}.subjects[0] must be an id, { "like": "user:*" }, or { "group": name }; got "grop"`,
    ],
    [
      'the subject itself among subjects',
      withRule({ ...fine, subjects: [{ self: true }] }),
      `${at}.subjects[0] must be an id, { "like": "user:*" }, or { "group": name }; got "self"`,
    ],
    [
      'a subject of the engine',
      withRule({ ...fine, subjects: ['system:sweeper'] }),
      `${at}.subjects[0] must be an id outside the reserved system:; got "system:sweeper"`,
    ],
    [
      'two stars',
      withRule({ ...fine, subjects: [{ like: 'user:**' }] }),
      `${at}.subjects[0].like must be text with exactly one *, for example 'user:*' (* stands for one or more characters); got "user:**"`,
    ],
    [
      'a like pattern that no id starts with',
      withRule({ ...fine, subjects: [{ like: ' user:*' }] }),
      `${at}.subjects[0].like must be the start and end of valid ids: in NFC, without control, format, separator or invisible characters or a space at either end; got " user:*"`,
    ],
    [
      'a like pattern that no id ends with',
      withRule({ ...fine, subjects: [{ like: '*@example.com ' }] }),
      `${at}.subjects[0].like must be the start and end of valid ids: in NFC, without control, format, separator or invisible characters or a space at either end; got "*@example.com "`,
    ],
    [
      'the engine itself',
      withRule({ ...fine, requesters: [{ like: 'system:*' }] }),
      `${at}.requesters[0].like must be ids that do not start with the reserved system:; got "system:*"`,
    ],
    [
      'a longest window above maxTotal',
      withRule({ ...fine, maxTtl: '2h', maxTotal: '1h' }),
      `${at}.maxTtl must be at most maxTotal, or the rule allows no window; got "2h" with maxTotal "1h"`,
    ],
    [
      'a shortest window above maxTotal',
      withRule({ ...fine, minTtl: '2h', maxTotal: '1h' }),
      `${at}.minTtl must be at most maxTotal, or the rule allows no window; got "2h" with maxTotal "1h"`,
    ],
    [
      'an id like the name of a shortened list',
      withRule({ ...fine, id: 'prod...' }),
      'rules[1] ("prod...").id must be a name that does not end in ...; got "prod..."',
    ],
    [
      'a reason without visible text',
      withRule({ id: 'prod', scopes: ['db:*'], deny: '\u200b' }),
      `${at}.deny must be the reason of the denial, as text that is not blank; got "\\u200b"`,
    ],
    ['a time that is 0', withRule({ ...fine, maxTtl: 0 }), `${at}.maxTtl must be ${times}; got 0`],
    ['a time in words', withRule(review({ reviewWithin: 'two hours' })), `${at}.review.reviewWithin must be ${times}; got "two hours"`],
    ['reminders in words', withRule(review({ remindEvery: 'daily' })), `${at}.review.remindEvery must be ${times}; got "daily"`],
    [
      'reminders below 5 minutes',
      withRule(review({ remindEvery: '4m59s' })),
      `${at}.review.remindEvery must be a duration of at least 5 minutes; got "4m59s"`,
    ],
    [
      'a longest window below the shortest',
      withRule({ ...fine, minTtl: '2h', maxTtl: '1h' }),
      `${at}.minTtl must be at most maxTtl, or the rule allows no window; got "2h" with maxTtl "1h"`,
    ],
    [
      'a ticket with text after the star',
      withRule({ ...fine, require: { ticket: 'INC-*-1' } }),
      `${at}.require.ticket must be true for any ticket, or its form: 'INC-####' (# is a digit) or 'INC-*' (a final * is one or more characters); got "INC-*-1"`,
    ],
    ['patterns as a string', withRule({ ...fine, patterns: 'yes' }), `${at}.patterns must be true or false; got "yes"`],
    ['an invalid rule', withRule([]), 'rules[1] must be an object; got an array'],
    ['a group that is not a list', { groups: { dba: 'user:ana' }, rules: [] }, 'groups.dba must be a list of ids; got "user:ana"'],
    [
      'a group of code without isMember',
      { groups: { dba: { isMembr: () => true } }, rules: [] },
      'groups.dba.isMembr must be omitted, or spelled isMember; got an unknown field',
    ],
    [
      'a group without fields',
      { groups: { dba: {} }, rules: [] },
      'groups.dba must be a list of ids or, in code, an object with isMember(person, request); got an object',
    ],
    [
      'a group whose members are a list',
      { groups: { dba: { isMember: () => true, members: [] } }, rules: [] },
      'groups.dba.members must be a function that takes the request and returns a list of ids; got an array',
    ],
    [
      'a person twice in a group',
      { groups: { dba: ['user:ana', 'user:kim', 'user:ana'] }, rules: [] },
      'groups.dba[2] must be listed only once; got "user:ana"',
    ],
    [
      'a member that is not an id',
      { groups: { dba: ['user:ana '] }, rules: [] },
      /^groups\.dba\[0\] must be 1-256 characters in NFC/ as unknown as string,
    ],
    [
      'a group with an invalid name',
      { groups: { 'the dba': [] }, rules: [] },
      'groups["the dba"] must be a name of 1-64 characters from [A-Za-z0-9_.~@/+=-]; got "the dba"',
    ],
    ['no rules', {}, 'rules must be a list; got undefined'],
    ['a list', [], 'policy must be an object; got an array'],
    ['nothing', undefined, 'policy must be an object; got undefined'],
    ['an invalid name', { name: '', rules: [] }, /^name must be 1-256/ as unknown as string],
    [
      'break-glass without a maxTtl',
      withEmergency({ maxTtl: undefined }),
      `breakGlass[0] ("outage").maxTtl must be ${times}; got undefined`,
    ],
    [
      'break-glass without reviewers',
      withEmergency({ reviewers: [] }),
      'breakGlass[0] ("outage").reviewers must be a list of at least 1; got an array',
    ],
    [
      'break-glass with unknown reviewers',
      withEmergency({ reviewers: ['dba', 'sec'] }),
      'breakGlass[0] ("outage").reviewers[1] must be a defined group (dba); got "sec"',
    ],
    [
      'break-glass without a review',
      withEmergency({ reviewWithin: undefined }),
      `breakGlass[0] ("outage").reviewWithin must be ${times}; got undefined`,
    ],
    [
      'break-glass that allows no pending review',
      withEmergency({ maxUnreviewed: 0 }),
      'breakGlass[0] ("outage").maxUnreviewed must be a whole number from 1 to 1000; got 0',
    ],
    [
      'break-glass with an outcome',
      withEmergency({ approve: true }),
      /^breakGlass\[0\] \("outage"\)\.approve must be omitted: the fields are id, / as unknown as string,
    ],
  ])('L23 names rule and field, and says what to change: %s', (_, given, message) => {
    const problem = problemOf(given);
    if (typeof message === 'string') expect(problem.message).toBe(message);
    else expect(problem.message).toMatch(message);
  });

  it('names the argument as a path', () => {
    expect(problemOf(withRule({ ...fine, scopes: ['db:*', 'db*'] })).argument).toBe('rules[1] ("prod").scopes[1]');
  });
});

describe('a hostile policy', () => {
  const proto = (text: string) => JSON.parse(text) as unknown;
  it.each<[string, unknown]>([
    ['a group __proto__', proto('{"groups":{"__proto__":["user:eve"]},"rules":[]}')],
    ['a rule with __proto__', proto('{"rules":[{"id":"a","scopes":["**"],"__proto__":{"approve":true}}]}')],
    ['a quorum of __proto__', proto('{"rules":[{"id":"a","scopes":["**"],"review":{"groups":{"__proto__":1}}}]}')],
    ['a rule named __proto__', { rules: [{ id: '__proto__', scopes: ['**'], approve: true }] }],
    ['a scope of many stars', { rules: [{ id: 'a', scopes: [`${'a*'.repeat(50)}b`], approve: true }] }],
    ['a megabyte of a scope', { rules: [{ id: 'a', scopes: ['a'.repeat(1_000_000)], approve: true }] }],
    ['a field with a name of a megabyte', { rules: [{ id: 'a', scopes: ['a'], approve: true, ['x'.repeat(1_000_000)]: 1 }] }],
    ['an id with an escape', { rules: [{ id: 'a\u001b[2J', scopes: ['a'], approve: true }] }],
    ['a list with holes', { rules: [{ id: 'a', scopes: Array<string>(3), approve: true }] }],
    ['more rules than a policy has', { rules: Array.from({ length: 1001 }, (_, i) => ({ id: `r${i}`, scopes: ['a'], approve: true })) }],
    ['a proxy that has been revoked', revoked()],
    ['rules that have been revoked', { rules: revoked() }],
    [
      'a getter that throws',
      {
        rules: [],
        get groups() {
          throw new Error('mine');
        },
      },
    ],
    ['an object that contains itself', cyclic()],
    ['a bigint', { rules: [{ id: 'a', scopes: ['a'], approve: true, maxUses: 10n }] }],
    ['an object for a time', { rules: [{ id: 'a', scopes: ['a'], approve: true, maxTtl: { valueOf: () => 60 } }] }],
    [
      'a million values',
      { rules: [], groups: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`g${i}`, Array(100_000).fill('a')])) },
    ],
  ])('L23 is refused with a short error without control characters: %s', (_, given) => {
    const { message } = problemOf(given);
    expect(message.length).toBeLessThan(400);
    expect(message).toMatch(/^[\x20-\x7e]*$/);
  });

  it('is not affected by properties added to Object.prototype', async () => {
    const added = ['patterns', 'approve', 'subjects', 'groups', 'maxTtl', 'deny', 'require', 'escalate'];
    const prototype = Object.prototype as unknown as Record<string, unknown>;
    try {
      for (const name of added) Object.defineProperty(prototype, name, { value: true, configurable: true, writable: true });
      expect(problemOf({ rules: [{ id: 'a', scopes: ['db:*'] }] }).message).toMatch(/exactly one of.*got none$/);
      const policy = definePolicy({ rules: [{ id: 'a', scopes: ['db:*'], approve: true }] });
      expect(await policy.explain({ subject: 'user:maya', scope: 'db:*', ttl: '5m' })).toMatchObject({ outcome: 'ineligible' });
    } finally {
      for (const name of added) Reflect.deleteProperty(prototype, name);
    }
  });

  it('reads a getter once', () => {
    let reads = 0;
    const rule = {
      id: 'a',
      scopes: ['a'],
      get approve() {
        reads += 1;
        return reads === 1;
      },
    };
    definePolicy({ rules: [rule as never] });
    expect(reads).toBe(1);
  });
});

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function cyclic(): object {
  const policy: Record<string, unknown> = { rules: [] };
  policy['groups'] = policy;
  policy['policy'] = policy;
  return policy;
}

describe('readPolicy()', () => {
  const file = {
    $schema: './policy.schema.json',
    name: 'on-call',
    groups: { dba: ['user:ana'] },
    rules: [review({ groups: { dba: 1, managers: 1 } })],
  };
  const managers = { isMember: () => true };

  it('reads text, or a parsed object, with groups of code', async () => {
    for (const json of [JSON.stringify(file), `\uFEFF${JSON.stringify(file)}`, file]) {
      const policy = readPolicy(json, { groups: { managers } });
      expect(policy.name).toBe('on-call');
      expect(await policy.explain({ subject: 'user:maya', scope: 'db:read', ttl: '1ms' })).toMatchObject({
        reviewers: ['user:ana', 'group:managers'],
      });
    }
    expect(readPolicy({ rules: [] }, { groups: {} }).name).toBe('policy');
    expect(readPolicy({ rules: [] }, { groups: { managers } }).lint()).toMatchObject([{ code: 'unused_group' }]);
  });

  it.each<[string, unknown, object, RegExp]>([
    ['truncated text', '{"rules": [', {}, /^policy must be valid JSON; got a syntax error at/],
    [
      'text with a comma too many',
      '{\n  "rules": [\n    {"id": "a", "scopes": ["a"], "approve": true,}\n  ]\n}',
      {},
      /^policy must be valid JSON; got a syntax error at line 3, column 50$/,
    ],
    ['empty text', '', {}, /^policy must be valid JSON, for example readFileSync\(path, 'utf8'\); got a syntax error at/],
    ['a number', '5', {}, /^policy must be an object; got 5$/],
    [
      'a group that is defined twice',
      file,
      { groups: { dba: managers } },
      /^options\.groups\.dba must be a group that the file does not define; got "dba"$/,
    ],
    [
      'a group that is missing',
      file,
      {},
      /^rules\[0\] \("prod"\)\.review\.groups\.managers must be a defined group \(dba\); got "managers"$/,
    ],
    ['a misspelt option', file, { group: {} }, /^options must be an object with only groups, scopes, canonicalId; got "group"$/],
    ['invalid groups', { groups: 5, rules: [] }, { groups: { managers } }, /^groups must be/],
    ['__proto__ in the file', '{"groups":{"__proto__":[]},"rules":[]}', { groups: { managers } }, /__proto__/],
  ])('names the problem: %s', (_, json, options, message) => {
    expect(problemOf(json, () => readPolicy(json, options)).message).toMatch(message);
  });
});
