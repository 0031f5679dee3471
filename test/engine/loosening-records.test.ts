import { provision } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import { expect, describe, it } from 'vitest';
import { autoApprove, MemoryGrantStore, type Approver } from '../../src/index.js';
import { ENTRY_TYPES, type EntryType } from '../../src/model/entry-types.js';
import { FaultyStore, ManualClock, ScriptedApprover } from '../../src/testing.js';
import { ANA, anEngine, aGranted, ask, fillLocks, HOUR, LEE, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';

const CISO = { by: 'user:ciso', reason: 'stolen' };
const YEAR = 365 * 24 * HOUR;

/** A store, a process with a right clock, and `ahead`, which runs a call of another process whose clock is ahead by `lead`. */
function aFleet(lead: number, approver: Approver) {
  const store = new FaultyStore(new MemoryGrantStore());
  const right = anEngine({ store, approver });
  const ahead = async (call: (engine: (typeof right)['engine']) => Promise<unknown>): Promise<void> => {
    const { engine } = anEngine({ store, approver, clock: new ManualClock(right.clock.now() + lead) });
    await call(engine);
    await engine.idle();
    await engine.close();
  };
  return { ...right, ahead };
}

/** The calls to an external system that a process makes, and what records and makes all that are due. */
function following(engine: ReturnType<typeof aFleet>['engine']) {
  const calls: boolean[] = [];
  provision(engine, { name: 'roles', scopes: [SCOPE], apply: ({ held }) => void calls.push(held) });
  const settle = async () => {
    await engine.sweep();
    await engine.idle();
    await engine.flushAudit();
  };
  return [calls, settle] as const;
}

const approving = (): Approver =>
  new ScriptedApprover({ decide: { outcome: 'approve' }, isEligible: true, breakGlass: { outcome: 'approve', reviewWithinMs: MINUTE } });

/** Shows on a right clock that the record, written by a clock ahead by `lead`, gives nothing that the right clock does not give. */
type Bound = (lead: number) => Promise<readonly EntryType[]>;

/**
 * Every type of entry: whether it may loosen what it is about, and then the proof that one clock ahead loosens nothing on a right
 * one; or why its record only tightens, notifies, or is a person's decision.
 */
const RECORDS: Readonly<Record<EntryType, Bound | string>> = {
  'request.created': 'A person asks. It gives nothing.',
  'request.assigned': 'Names the reviewers. The deadline stays as it was computed, and no decision after it counts.',
  'request.reused': 'Repeats what an ask has already.',
  'request.reviewed': 'A person reviews. Its freshness is judged by the clock that reads it: `test/engine/wrong-clock.test.ts` [EN1].',
  'request.stepped': 'Approvals begin the next step. The escalation of the step counts from it, so it comes late.',
  'request.escalated': async (lead) => {
    const quorum = { groups: [{ name: 'ops', approvals: 1 }], escalation: { group: 'lead', afterMs: MINUTE } };
    const groupsOf = (who: string) => (who === LEE ? ['lead'] : ['ops']);
    const approver: Approver = { name: 'x', decide: () => ({ outcome: 'review', quorum }), groupsOf, isEligible: () => true };
    const { engine, clock, store, ahead } = aFleet(lead, approver);
    const { request } = await ask(engine);
    await ahead((wrong) => wrong.sweep());
    await clock.advance(MINUTE - 1);
    await refusal(engine.approve(request.id, { by: LEE }), 'ERR_JIT_NOT_REVIEWER');
    await clock.advance(1);
    expect((await engine.approve(request.id, { by: LEE })).outcome).toBe('granted');
    return typesOf(store) as Promise<readonly EntryType[]>;
  },
  'request.reminded': 'Notifies reviewers.',
  'request.commented': 'A person writes.',
  'request.approved': 'Written with `grant.issued`.',
  'request.denied': 'Refuses. The pause after it is judged by the clock that reads it: `test/engine/wrong-clock.test.ts` [EN1].',
  'request.cancelled': 'Ends a request.',
  'request.expired': 'Ends a request.',
  'grant.issued': async (lead) => {
    const { engine, clock, store, ahead } = aFleet(lead, approving());
    await ahead((wrong) => ask(wrong));
    await clock.advance(lead - 1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    await clock.advance(1 + 15 * MINUTE);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    return typesOf(store) as Promise<readonly EntryType[]>;
  },
  'grant.activated': async (lead) => {
    const approver = approving() as ScriptedApprover;
    const { engine, clock, store, ahead } = aFleet(lead, approver);
    await aGranted(engine, { startsAt: clock.now() + lead, ttl: '1h' });
    await clock.advance(MINUTE);
    await ahead((wrong) => wrong.sweep());
    approver.script.isEligible = false;
    await clock.advance(lead - MINUTE - 1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    // The answer before the start does not count.
    await clock.advance(1);
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    return typesOf(store) as Promise<readonly EntryType[]>;
  },
  'grant.extended': 'Written with `grant.issued`.',
  'grant.warned': 'Notifies the subject.',
  'grant.used': 'Takes a use. The idle time counts from a use that a right clock records: `test/engine/wrong-clock.test.ts` [EN1].',
  'grant.seen': 'Counts checks.',
  'grant.expired': async (lead) => {
    const maxHolders = [{ rule: 'one', max: 1, scopes: [SCOPE] }];
    const { engine, store, ahead } = aFleet(lead, new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxHolders } } }));
    await ask(engine, { ttl: lead });
    await ahead((wrong) => wrong.sweep());
    // It frees the place of the rule, and the access has ended for every process.
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
    expect((await ask(engine, { subject: SAM })).outcome).toBe('granted');
    return typesOf(store) as Promise<readonly EntryType[]>;
  },
  'grant.revoked': 'Ends a grant.',
  'usage.closed': 'Follows the end of its grant.',
  'breakGlass.overdue': async (lead) => {
    const { engine, store, ahead } = aFleet(lead, approving());
    const taken = { subject: MAYA, scope: SCOPE, ttl: '1m', justification: 'x' } as const;
    await engine.breakGlass(taken);
    await ahead((wrong) => wrong.sweep());
    await refusal(engine.breakGlass(taken), 'ERR_JIT_LIMIT');
    return typesOf(store) as Promise<readonly EntryType[]>;
  },
  'breakGlass.reviewed': 'A person reviews.',
  'provisioning.intended': async (lead) => {
    for (const approver of [approving(), autoApprove(() => true)]) {
      const { engine, clock, store, ahead } = aFleet(lead, approver);
      const [calls, settle] = following(engine);
      const { id } = await aGranted(engine, { startsAt: clock.now() + lead, ttl: '1h' });
      await ahead((wrong) => wrong.sweep());
      expect(await typesOf(store)).toContain('grant.activated');
      await settle();
      await clock.advance(lead - 1);
      await settle();
      expect(calls).toEqual([]);
      await clock.advance(1);
      await settle();
      expect(calls.at(-1)).toBe(true);
      await engine.revoke(id, CISO);
      await settle();
      expect(calls.at(-1)).toBe(false);
      expect(await typesOf(store)).toContain('provisioning.intended');
    }
    return ['provisioning.intended'];
  },
  'provisioning.failed': 'Delays a call.',
  'provisioning.done': 'Follows the answer of an external system.',
  'provisioning.stuck': 'Follows the answers of an external system.',
  'provisioning.retried': 'A person retries.',
  'provisioning.dismissed': 'A person dismisses.',
  'lock.set': 'Locks.',
  'lock.completed': 'Follows the ends that the lock has made. From then on the lock may end, by `until`.',
  'lock.lifted': 'A person unlocks.',
  'lock.expired': async (lead) => {
    const { engine, clock, store, ahead } = aFleet(lead, approving());
    const until = clock.now() + lead;
    await engine.lock({ subject: MAYA }, { ...CISO, until });
    await ahead((wrong) => wrong.sweep());
    // A full row makes no room either.
    await fillLocks(store);
    await ahead((wrong) => refusal(wrong.lock({ scope: 'x' }, CISO), 'ERR_JIT_LIMIT'));
    await clock.advance(lead - 1);
    await refusal(ask(engine), 'ERR_JIT_LOCKED');
    await clock.advance(1);
    expect((await ask(engine)).outcome).toBe('granted');
    return [...((await typesOf(store)) as readonly EntryType[]), 'lock.expired'];
  },
  'attempt.refused': 'Counts attempts.',
  'journal.purged': async (lead) => {
    const { engine, clock, store, ahead } = aFleet(lead + YEAR, approving());
    await aGranted(engine, { ttl: '1m' });
    await ahead((wrong) => refusal(purge(wrong, { before: clock.now() + YEAR / 2, by: ANA }), 'ERR_JIT_CLOCK'));
    return [...((await typesOf(store)) as readonly EntryType[]), 'journal.purged'];
  },
  'journal.accepted': 'A person accepts a rollback.',
  'clock.accepted': 'A person accepts a clock.',
};

describe('the record of one process whose clock is ahead', () => {
  it('L39 L47 has a row for each type of entry', () => {
    expect(Object.keys(RECORDS)).toEqual(Object.keys(ENTRY_TYPES));
  });

  const bounds = Object.entries(RECORDS).flatMap(([type, bound]) =>
    typeof bound === 'string' ? [] : [[type as EntryType, bound] as const],
  );
  const leads = [
    ['ten minutes', 10 * MINUTE],
    ['3 hours', 3 * HOUR],
    ['7 hours', 7 * HOUR],
  ] as const;
  it.each(leads.flatMap(([name, lead]) => bounds.map(([type, bound]) => [type, name, lead, bound] as const)))(
    'L39 L47 %s loosens nothing on a right clock: %s',
    async (type, _, lead, bound) => {
      expect(await bound(lead)).toContain(type);
    },
  );
});
