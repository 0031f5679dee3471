import { describe, expect, it } from 'vitest';
import { canAsk, preview, requestable } from 'jit-access/explain';
import { definePolicy, type PolicyDefinition } from 'jit-access/policy';
import { ManualClock } from '../../../src/testing.js';
import { anEngine, HOUR, MAYA, MINUTE } from '../../engine/an-engine.js';

/** Monday to Friday, 09:00 to 17:00. The 2026-12-04 is a Friday. */
const hours = { days: ['mon', 'tue', 'wed', 'thu', 'fri'], from: '09:00', to: '17:00', timeZone: 'UTC' } as const;
const rule = { id: 'day', scopes: ['db:x'], maxTtl: '8h', approve: true } as const;
const FRIDAY = Date.UTC(2026, 11, 4);
const DAY = 24 * HOUR;

/** The list at an instant, and what an ask that starts at once gives for a length, or for a later start. */
async function at(now: number, definition: PolicyDefinition) {
  const { engine } = anEngine({ approver: definePolicy(definition), clock: new ManualClock(now), limits: { maxStartAhead: '7d' } });
  const { items, complete } = await requestable(engine, MAYA);
  const allows = async (ttl: number, startsAt?: number) =>
    (await preview(engine, { subject: MAYA, scope: 'db:x', ttl, startsAt })).outcome !== 'refused';
  return { engine, items, complete, allows, maxTtlMs: items.find(({ outcome }) => outcome !== 'break_glass')?.maxTtlMs };
}

describe('requestable() of a policy with hours', () => {
  it.each([
    ['in the middle of the day', 10 * HOUR, 7 * HOUR],
    ['half an hour before its end', 16 * HOUR + 30 * MINUTE, 30 * MINUTE],
    ['two minutes before its end', 17 * HOUR - 2 * MINUTE, 2 * MINUTE],
  ])('L3 [FE3] has the longest window that starts now: %s', async (_, time, left) => {
    const catalogue = { definition: { rules: [{ ...rule, scopes: ['db:*'], when: hours }], catalogue: [{ scope: 'db:x', title: 'X' }] } };
    for (const definition of [{ rules: [{ ...rule, when: hours }] }, catalogue.definition] as PolicyDefinition[]) {
      const { maxTtlMs, allows, complete } = await at(FRIDAY + time, definition);
      expect(maxTtlMs).toBe(left);
      expect([await allows(left), await allows(left + MINUTE), complete]).toEqual([true, false, true]);
    }
  });

  it('L3 [FE3] ends the window before a deny rule begins, and with the last day of a rule', async () => {
    const freeze = { id: 'freeze', scopes: ['db:*'], deny: 'frozen', when: { from: '12:00', to: '13:00', timeZone: 'UTC' } } as const;
    const frozen = await at(FRIDAY + 10 * HOUR, { rules: [freeze, rule] });
    expect([frozen.maxTtlMs, frozen.complete]).toEqual([2 * HOUR, true]);
    expect([await frozen.allows(2 * HOUR), await frozen.allows(2 * HOUR + 1)]).toEqual([true, false]);
    const last = await at(FRIDAY + 20 * HOUR, { rules: [{ ...rule, when: { lastDay: '2026-12-04', timeZone: 'UTC' } }] });
    expect([last.maxTtlMs, await last.allows(4 * HOUR), await last.allows(4 * HOUR + 1)]).toEqual([4 * HOUR, true, false]);
  });

  it.each([
    ['outside the hours of its rule', FRIDAY + DAY, { rules: [{ ...rule, when: hours }] }, FRIDAY + 3 * DAY + 9 * HOUR],
    ['before its first day', FRIDAY, { rules: [{ ...rule, when: { firstDay: '2026-12-06', timeZone: 'UTC' } }] }, FRIDAY + 2 * DAY],
    [
      'while a deny rule with hours refuses it',
      FRIDAY,
      { rules: [{ id: 'night', scopes: ['db:*'], deny: 'night', when: { to: '06:00', timeZone: 'UTC' } }, rule] },
      FRIDAY + 6 * HOUR,
    ],
    [
      'in the last seconds of its hours',
      FRIDAY + 17 * HOUR - 30_000,
      { rules: [{ ...rule, when: hours, minTtl: '1m' }] },
      FRIDAY + 3 * DAY + 9 * HOUR,
    ],
  ] as readonly (readonly [string, number, PolicyDefinition, number])[])(
    'L18 [FE3] is not complete where a later start is granted: %s',
    async (_, now, definition, startsAt) => {
      const { engine, items, complete, allows } = await at(now, definition);
      expect(items).toEqual([]);
      expect([await allows(8 * HOUR), await allows(8 * HOUR, startsAt)]).toEqual([false, true]);
      expect((await canAsk(engine, MAYA, 'db:x', { ask: { ttl: '8h', startsAt } })).outcome).toBe('granted');
      expect(complete).toBe(false);
    },
  );

  it.each([
    ['the rule has no more days', { rules: [{ ...rule, when: { lastDay: '2026-12-01', timeZone: 'UTC' } }] }],
    ['no start is as far ahead', { rules: [{ ...rule, when: hours, maxStartAhead: '1d' }] }],
    [
      'break-glass starts at once',
      {
        rules: [],
        breakGlass: [{ id: 'b', scopes: ['db:x'], maxTtl: '1h', reviewers: ['g'], reviewWithin: '1d', when: hours }],
        groups: { g: ['user:sam'] },
      },
    ],
    ['the rule is for others', { rules: [{ ...rule, when: hours, subjects: ['user:sam'] }] }],
  ] as readonly (readonly [string, PolicyDefinition])[])('[FE3] is complete where no later start helps: %s', async (_, definition) => {
    expect(await at(FRIDAY + DAY, definition)).toMatchObject({ items: [], complete: true });
  });

  it('L3 [FE3] has the longest window of a break-glass rule with hours', async () => {
    const outage = { id: 'b', scopes: ['db:x'], maxTtl: '8h', reviewers: ['g'], reviewWithin: '1d', when: hours } as const;
    const { items, engine } = await at(FRIDAY + 16 * HOUR, { rules: [], breakGlass: [outage], groups: { g: ['user:sam'] } });
    expect(items).toMatchObject([{ outcome: 'break_glass', maxTtlMs: HOUR }]);
    const take = (ttl: number) => engine.breakGlass({ subject: MAYA, scope: 'db:x', ttl, justification: 'down' });
    await expect(take(HOUR + 1)).rejects.toMatchObject({ code: 'ERR_JIT_REQUIREMENTS' });
    expect((await take(HOUR)).outcome).toBe('granted');
  });
});
