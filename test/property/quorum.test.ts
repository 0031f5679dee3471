import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { JitEngine, MemoryGrantStore } from '../../src/index.js';
import { ManualClock, ScriptedApprover } from '../../src/testing.js';
import { MAYA, SCOPE } from '../engine/an-engine.js';

const NAMES = ['ops', 'sec', 'fin'];
const REVIEWERS = ['r1', 'r2', 'r3', 'r4', 'r5'];

/** Whether every place can be filled by a separate reviewer: tries all assignments, which is slow and simple. */
function canFill(places: readonly string[], members: readonly (readonly string[])[]): boolean {
  const [place, ...rest] = places;
  if (place === undefined) return true;
  return members.some((groups, i) => groups.includes(place) && canFill(rest, [...members.slice(0, i), ...members.slice(i + 1)]));
}

describe('a quorum', () => {
  it('L14 L16 is complete exactly when each group has its number, with every reviewer counted in one', async () => {
    const groups = fc.uniqueArray(fc.record({ name: fc.constantFrom(...NAMES), approvals: fc.integer({ min: 1, max: 2 }) }), {
      minLength: 1,
      selector: (group) => group.name,
    });
    const members = fc.array(fc.subarray(NAMES), { minLength: REVIEWERS.length, maxLength: REVIEWERS.length });
    await fc.assert(
      fc.asyncProperty(groups, members, async (wanted, memberships) => {
        const approver = new ScriptedApprover({
          decide: { outcome: 'review', quorum: { groups: wanted } },
          groupsOf: (reviewer) => memberships[REVIEWERS.indexOf(reviewer)] ?? [],
        });
        const engine = new JitEngine({ store: new MemoryGrantStore(), approver, clock: new ManualClock() });
        const { request } = await engine.requestAccess({ subject: MAYA, scope: SCOPE, ttl: '1s' });
        const places = wanted.flatMap(({ name, approvals }) => Array.from({ length: approvals }, () => name));
        const given: (readonly string[])[] = [];
        for (const [i, by] of REVIEWERS.entries()) {
          const mine = memberships[i] ?? [];
          if (!wanted.some((group) => mine.includes(group.name))) continue;
          given.push(mine);
          const complete = canFill(places, given);
          expect((await engine.approve(request.id, { by })).outcome).toBe(complete ? 'granted' : 'pending');
          if (complete) return;
        }
        expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});
