import { describe, expect, it } from 'vitest';
import { definePolicy, simulate, type ApproveRule, type MetadataField } from 'jit-access/policy';
import { readJournal } from 'jit-access/journal';
import { JitEngine, MemoryGrantStore } from 'jit-access';
import { ManualClock } from 'jit-access/testing';
import { asking, policyOf } from './ask.js';
import { refusal } from '../../engine/an-engine.js';

const rule = (fields: Readonly<Record<string, MetadataField>>): ApproveRule => ({
  id: 'r',
  scopes: ['db:*'],
  approve: true,
  require: { fields },
});

async function problemsOf(field: MetadataField, value: unknown): Promise<unknown> {
  const metadata = value === undefined ? undefined : { f: value };
  const eligible = await policyOf(rule({ f: field })).isEligible?.(asking('db:read', { metadata: metadata as never }), 'creation');
  return typeof eligible === 'object' ? eligible.problems : [];
}

describe('require.fields (feature 6)', () => {
  it.each([
    [{}, undefined, 'missing', undefined, undefined],
    [{}, '  ', 'missing', undefined, undefined],
    [{}, null, 'missing', undefined, undefined],
    [{}, 7, 'malformed', 'text', 7],
    [{ type: 'number' }, '7', 'malformed', 'number', '7'],
    [{ type: 'boolean' }, 'true', 'malformed', 'boolean', 'true'],
    [{}, { a: 1 }, 'malformed', 'text', undefined],
    [{ oneOf: ['prod', 'staging'] }, 'dev', 'not_allowed', 'prod, staging', 'dev'],
    [{ type: 'number', oneOf: [1, 2] }, 3, 'not_allowed', '1, 2', 3],
    [{ form: 'CHG-####' }, 'CHG-1', 'malformed', 'CHG-####', 'CHG-1'],
    [{ minLength: 3 }, 'ab', 'too_short', 3, 2],
    [{ maxLength: 3 }, 'abcd', 'too_long', 3, 4],
    [{ optional: true, maxLength: 3 }, 'abcd', 'too_long', 3, 4],
  ] as const)('%j refuses %j', async (field, value, code, limit, got) => {
    const [problem, ...others] = (await problemsOf(field, value)) as readonly object[];
    expect(problem).toEqual({ rule: 'r', field: 'metadata.f', code, limit, got });
    expect(others).toEqual([]);
  });

  it.each([
    [{}, 'x'],
    [{ type: 'number' }, 0],
    [{ type: 'boolean' }, false],
    [{ optional: true }, undefined],
    [{ oneOf: ['prod', 'staging'] }, 'prod'],
    [{ form: 'CHG-*' }, 'CHG-12'],
    [{ minLength: 3, maxLength: 3 }, 'abc'],
  ] as const)('%j accepts %j', async (field, value) => {
    expect(await problemsOf(field as MetadataField, value)).toEqual([]);
  });

  it('says in words what is missing, and lists all fields at once', async () => {
    const policy = policyOf(rule({ environment: { oneOf: ['prod'] }, change: { form: 'CHG-####' } }));
    expect(await policy.isEligible?.(asking('db:read', { metadata: { environment: 'dev' } }), 'creation')).toMatchObject({
      reason: 'give metadata.environment as one of prod (rule r: require.fields); give metadata.change (rule r: require.fields)',
      problems: [{ field: 'metadata.environment' }, { field: 'metadata.change' }],
    });
  });

  it('reads no field of Object.prototype', async () => {
    expect(await policyOf(rule({ constructor: {} })).isEligible?.(asking('db:read', { metadata: {} }), 'creation')).toMatchObject({
      problems: [{ field: 'metadata.constructor', code: 'missing' }],
    });
  });

  it('L22 hides the characters of a value that a terminal would execute, and shortens it', async () => {
    const [problem] = (await problemsOf({ form: 'CHG-####' }, `\u202e${'x'.repeat(500)}`)) as readonly { readonly got: string }[];
    expect(problem?.got).toMatch(/^\\u202ex+\.\.\.$/);
    expect(problem?.got.length).toBeLessThanOrEqual(100);
  });

  it('the engine refuses the ask, and records no request', async () => {
    const engine = new JitEngine({
      store: new MemoryGrantStore(),
      approver: policyOf(rule({ change: { form: 'CHG-####' } })),
      clock: new ManualClock(),
    });
    const ask = { subject: 'user:maya', scope: 'db:read', ttl: '5m' } as const;
    expect(await refusal(engine.requestAccess(ask), 'ERR_JIT_REQUIREMENTS')).toMatchObject({
      problems: [{ field: 'metadata.change', code: 'missing' }],
    });
    expect((await engine.requestAccess({ ...ask, metadata: { change: 'CHG-0001' } })).outcome).toBe('granted');
  });

  it('simulate does not judge them, because the journal has no metadata', async () => {
    const store = new MemoryGrantStore();
    const policy = policyOf(rule({ change: {} }));
    const engine = new JitEngine({ approver: policy, clock: new ManualClock(), store });
    await engine.requestAccess({ subject: 'user:maya', scope: 'db:read', ttl: '5m', metadata: { change: 'CHG-1' } });
    expect(await simulate(policy, readJournal(store))).toEqual([]);
  });

  it.each([
    [[], 'fields'],
    [{ 'a b': {} }, 'fields.a b'],
    [{ __proto__: null, f: 'text' }, 'fields.f'],
    [{ f: { type: 'date' } }, 'fields.f.type'],
    [{ f: { optional: 'yes' } }, 'fields.f.optional'],
    [{ f: { type: 'number', form: 'A' } }, 'fields.f.form'],
    [{ f: { type: 'number', minLength: 1 } }, 'fields.f.minLength'],
    [{ f: { type: 'boolean', maxLength: 1 } }, 'fields.f.maxLength'],
    [{ f: { type: 'boolean', oneOf: [true] } }, 'fields.f.oneOf'],
    [{ f: { oneOf: [] } }, 'fields.f.oneOf'],
    [{ f: { oneOf: ['a', 1] } }, 'fields.f.oneOf[1]'],
    [{ f: { oneOf: ['a', ' '] } }, 'fields.f.oneOf[1]'],
    [{ f: { type: 'number', oneOf: [NaN] } }, 'fields.f.oneOf[0]'],
    [{ f: { oneOf: ['a', 'a'] } }, 'fields.f.oneOf[1]'],
    [{ f: { form: 'a b' } }, 'fields.f.form'],
    [{ f: { minLength: 0 } }, 'fields.f.minLength'],
    [{ f: { maxLength: 4_097 } }, 'fields.f.maxLength'],
    [{ f: { minLength: 4, maxLength: 3 } }, 'fields.f.minLength'],
    [Object.fromEntries(Array.from({ length: 51 }, (_, i) => [`f${i}`, {}])), 'fields'],
  ])('definePolicy refuses %j and names the field', (fields, argument) => {
    expect(() => definePolicy({ rules: [rule(fields as never)] })).toThrow(
      expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument: `rules[0] ("r").require.${argument}` }),
    );
  });
});
