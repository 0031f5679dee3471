import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore, reviewers } from '../../src/index.js';
import { definePolicy, readPolicy } from '../../src/policy.js';
import type { People, Policy, PolicyDefinition } from '../../src/policy.js';

const canonicalId = (id: string) => id.toLowerCase();
const yes = { id: 'yes', scopes: ['db:**'], approve: true } as const;
const engineOf = (policy: PolicyDefinition) =>
  new JitEngine({ store: new MemoryGrantStore(), approver: definePolicy(policy), canonicalId });
const outcomeOf = (answer: Promise<{ readonly outcome: string }>): Promise<string> =>
  answer.then(
    ({ outcome }) => outcome,
    (error: unknown) => (error as { code: string }).code,
  );
/** The outcome of an ask as `User:Eve@Example.com`. */
const said = (engine: JitEngine) => outcomeOf(engine.requestAccess({ subject: 'User:Eve@Example.com', scope: 'db:prod', ttl: '30m' }));

describe('canonicalId and the ids of an approver', () => {
  it.each<[string, People, Record<string, readonly string[]>]>([
    ['an id', 'User:Eve@Example.com', {}],
    ['ids that start like it', { like: 'User:Eve*' }, {}],
    ['ids that end like it', { like: '*@Example.COM' }, {}],
    ['a group', { group: 'leavers' }, { leavers: ['user:bob', 'USER:EVE@example.com'] }],
  ])('a deny rule for %s in another form denies, although the policy has no canonicalId [F10]', async (_, subject, groups) => {
    const engine = engineOf({ groups, rules: [{ id: 'no', scopes: ['**'], subjects: [subject], deny: 'left' }, yes] });
    expect(await said(engine)).toBe('denied');
    expect(await engine.isAllowed('user:eve@example.com', 'db:prod')).toBe(false);
  });

  it('a deny rule in another form denies break-glass [F10]', async () => {
    const engine = engineOf({
      groups: { security: ['user:sam'] },
      rules: [{ id: 'no', scopes: ['**'], subjects: ['User:Eve@Example.com'], deny: 'left' }],
      breakGlass: [{ id: 'bg', scopes: ['**'], maxTtl: '1h', reviewers: ['security'], reviewWithin: '1d' }],
    });
    const taken = engine.breakGlass({ subject: 'user:eve@example.com', scope: 'db:prod', ttl: '30m', justification: 'down' });
    await taken.catch(() => undefined);
    expect(await engine.isAllowed('user:eve@example.com', 'db:prod')).toBe(false);
  });

  it('rules that grant, and groups that review, match the same people in any form of their ids [F10]', async () => {
    const review = { id: 'r', scopes: ['db:**'], subjects: ['User:Eve@Example.com'], review: { groups: { dba: 1 } } };
    for (const approver of [definePolicy({ groups: { dba: ['User:Ana'] }, rules: [review] }), reviewers({ members: ['User:Ana'] })]) {
      const engine = new JitEngine({ store: new MemoryGrantStore(), approver, canonicalId });
      const asked = engine.requestAccess({ subject: 'user:eve@example.com', scope: 'db:prod', ttl: '30m' });
      expect(await outcomeOf(asked.then(({ request }) => engine.approve(request.id, { by: 'USER:ANA' })))).toBe('granted');
    }
  });

  it('one policy serves engines with and without canonicalId', async () => {
    const policy = definePolicy({ rules: [{ id: 'no', scopes: ['**'], subjects: ['User:Eve@Example.com'], deny: 'left' }, yes] });
    const [plain, lower] = [
      new JitEngine({ store: new MemoryGrantStore(), approver: policy }),
      new JitEngine({ store: new MemoryGrantStore(), approver: policy, canonicalId }),
    ];
    expect(await said(lower)).toBe('denied');
    expect(await said(plain)).toBe('denied');
    expect((await plain.requestAccess({ subject: 'user:eve@example.com', scope: 'db:prod', ttl: '30m' })).outcome).toBe('granted');
  });

  it('an engine refuses, at construction, ids of the policy that canonicalId cannot convert, and names them', () => {
    const rules = (subject: People): PolicyDefinition => ({ rules: [{ id: 'no', scopes: ['**'], subjects: [subject], deny: 'x' }] });
    const strict = (id: string) => {
      if (!id.includes('@')) throw new Error('no domain');
      return id;
    };
    const make = (policy: PolicyDefinition, form: (id: string) => string) => () =>
      new JitEngine({ store: new MemoryGrantStore(), approver: definePolicy(policy), canonicalId: form });
    expect(make(rules('user:eve'), strict)).toThrow(expect.objectContaining({ argument: 'rules[0] ("no").subjects[0]' }) as Error);
    expect(make(rules({ like: 'user:*' }), strict)).toThrow(
      expect.objectContaining({ argument: 'rules[0] ("no").subjects[0].like' }) as Error,
    );
    // The hash of an id has no start that a pattern could match.
    const hashed = (id: string) => (/^h\d+$/.test(id) ? id : `h${[...id].reduce((sum, char) => sum + char.charCodeAt(0), 0)}`);
    expect(make(rules({ like: 'user:*' }), hashed)).toThrow(
      /text whose start and end canonicalId changes the same way in every id.*got "user:\*"/,
    );
    expect(make(rules({ like: '*' }), hashed)).not.toThrow();
    const list = make({ groups: { g: ['user:eve'] }, rules: [{ ...yes, subjects: [{ group: 'g' }] }] }, strict);
    expect(list).toThrow(expect.objectContaining({ argument: 'groups.g[0]' }) as Error);
  });

  it('lint names the ids that canonicalId changes [F10]', () => {
    const written = {
      groups: { dba: ['user:ana', 'User:Kim'], sec: ['user:sam'] },
      rules: [
        { id: 'no', scopes: ['**'], subjects: ['user:bob', 'User:Eve'], deny: 'left' },
        { id: 'r', scopes: ['db'], subjects: [{ like: 'User:*' }], requesters: ['user:bob'], review: { groups: { dba: 1, sec: 1 } } },
      ],
    };
    const found = (make: () => Pick<Policy, 'lint'>) => {
      try {
        return make()
          .lint()
          .filter(({ code }) => code === 'changed_id');
      } catch (error) {
        return error;
      }
    };
    for (const make of [() => definePolicy(written, { canonicalId }), () => readPolicy(written, { canonicalId })]) {
      expect(found(make)).toEqual([
        expect.objectContaining({ rule: 'no', message: 'rule no names User:Eve, which canonicalId changes to user:eve. Write user:eve' }),
        expect.objectContaining({ rule: 'r', message: 'rule r names User:*, which canonicalId changes to user:*. Write user:*' }),
        expect.objectContaining({ group: 'dba', message: 'group dba names User:Kim, which canonicalId changes. Write the changed form' }),
      ]);
    }
    expect(found(() => definePolicy(written))).toEqual([]);
    expect(() => definePolicy(written, { canonicalId: 'lower' as never })).toThrow('options.canonicalId must be a function; got "lower"');
  });
});
