import { dismissChange, failedChanges, provision } from 'jit-access/provisioning';
import { acceptClock, acceptRollback, purge } from 'jit-access/retention';
import { JitEngine, MemoryGrantStore, patternScopes } from 'jit-access';
import type { Change, GrantStore } from 'jit-access/store';
import { journalHead, readJournal } from 'jit-access/journal';
import { inTurn, ManualClock, ScriptedApprover, throws } from 'jit-access/testing';
import { decideAgain } from '../engine/decide-again.js';

/** An action of another process right before a commit of this one. */
class CrossedStore extends MemoryGrantStore {
  cross: (() => Promise<unknown>) | undefined;

  override async commit(change: Change) {
    const { cross } = this;
    this.cross = undefined;
    await cross?.();
    return super.commit(change);
  }
}

const GROUPS = [{ name: 'on-call', approvals: 1 }];
const terms = { warnBeforeMs: [60_000], idleTtlMs: 3_600_000, maxUses: 2 };
const review = {
  outcome: 'review',
  rule: 'prod',
  terms,
  quorum: { groups: GROUPS, escalation: { group: 'leads', afterMs: 60_000 }, remindEveryMs: 300_000 },
} as const;
const approve = { outcome: 'approve', rule: 'staging', terms } as const;

/** Produces every kind of entry with every field that it may carry, and returns the fields of each type. */
export async function fieldsByType(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const clock = new ManualClock();
  const store = new CrossedStore();
  const approver = new ScriptedApprover({
    decide: ({ scopes }) => ({ ...review, terms: { ...terms, maxHolders: [{ rule: 'prod', max: 9, scopes }] } }),
    groupsOf: (reviewer) => (reviewer === 'user:sam' ? ['on-call'] : []),
    isEligible: true,
    breakGlass: { outcome: 'approve', rule: 'emergency', reviewWithinMs: 60_000, maxUnreviewed: 9, skippedGroups: ['on-call'], terms },
    mayReviewBreakGlass: (reviewer) => reviewer === 'user:lee',
  });
  const engine = new JitEngine({ clock, store, approver, scopes: patternScopes });
  const ask = {
    subject: 'user:maya',
    requestedBy: 'user:noor',
    ttl: '15m',
    justification: 'why',
    ticket: 'INC-1',
    metadata: { a: 1 },
  } as const;
  let scopes = 0;
  const fresh = () => ({ ...ask, scope: `db:${++scopes}` });
  const by = { by: 'user:sam' };
  const granted = async (startsAt?: number, scope = fresh().scope) => {
    const { request } = await engine.requestAccess({ ...ask, scope, startsAt });
    const approved = await engine.approve(request.id, by);
    if (approved.outcome !== 'granted') throw new Error(approved.outcome);
    return approved.grants[0] as (typeof approved.grants)[number];
  };

  // Created, reviewed, used up; extended; revoked, so that a sweep closes its usage row; cancelled, denied, expired.
  const used = await granted();
  const extension = await engine.extend(used.id, { requestedBy: 'user:maya', ttl: '5m' });
  await engine.approve(extension.request.id, by);
  await engine.consume('user:maya', used.scope, { idempotencyKey: 'k' });
  await engine.consume('user:maya', used.scope);
  // A keyed use of a part of the granted uses.
  const part = await granted(undefined, 'tool:*');
  // Recorded by a check.
  await engine.check('user:maya', part.scope.replace('*', 'hammer'), { recordUse: true });
  await engine.consume('user:maya', 'tool:hammer', { idempotencyKey: 'part' });
  await engine.revoke((await granted()).id, by);
  await engine.deny((await engine.requestAccess(fresh())).request.id, by);
  // Requested by a run of an agent.
  await engine.requestAccess({ run: { agent: 'agent:7', operator: 'user:noor' }, scope: fresh().scope, ttl: '5m' });
  const { ttl: _ttl, ...endless } = { ...fresh(), correlation: 'trace-1' };
  const ending = await engine.requestAccess({ ...endless, until: clock.now() + 60_000 });
  await engine.cancel(ending.request.id, { by: 'user:help-desk', onBehalfOf: 'user:maya' });
  await engine.comment((await engine.requestAccess(fresh())).request.id, { by: 'user:maya', text: 'urgent', idempotencyKey: 'k' });
  await engine.amend((await engine.requestAccess(fresh())).request.id, { by: 'user:noor', ttl: '20m' });
  // A request without a decision, and a key that is reused for it.
  const open = fresh();
  for (const idempotencyKey of [undefined, 'again']) await engine.requestAccess({ ...open, idempotencyKey });
  await engine.requestAccess({ ...fresh(), startsAt: clock.now() + 60_000 });
  await granted(clock.now() + 60_000);

  // A step that is complete.
  approver.script.decide = { outcome: 'review', quorum: { steps: [{ groups: GROUPS }, { groups: GROUPS }] } };
  await engine.approve((await engine.requestAccess(fresh())).request.id, by);

  // The approver's own decisions; an approval that exceeds the grant limit.
  approver.script.decide = { outcome: 'deny', reason: 'no', rule: 'never' };
  await engine.requestAccess(fresh());
  approver.script.decide = approve;
  const narrow = new JitEngine({ clock, store, approver, limits: { maxGrants: 1 } });
  const one = { ...ask, subject: 'user:eve' };
  approver.script.decide = throws(new Error('down'));
  const waiting: string[] = [];
  for (const scope of ['db:a', 'db:b']) {
    await narrow.requestAccess({ ...one, scope }).catch((error: { requestId: string }) => waiting.push(error.requestId));
  }
  approver.script.decide = approve;
  for (const id of waiting) await decideAgain(narrow, id);

  // As many denials as a subject's row lists, then one by the approver that displaces another, and one by a reviewer of two.
  const nagging = { ...ask, subject: 'user:nag' };
  approver.script.decide = { outcome: 'deny', reason: 'no', rule: 'never' };
  for (let i = 0; i < 101; i++) await engine.requestAccess({ ...nagging, scope: `nag:${i}` });
  approver.script.decide = { ...review, quorum: { groups: GROUPS, denials: 2 } };
  await engine.deny((await engine.requestAccess({ ...nagging, scope: 'nag:last' })).request.id, by);
  approver.script.decide = approve;

  // Two grants that are released together.
  const several = await engine.requestAccess({ ...ask, scopes: [fresh().scope, fresh().scope] });
  await engine.release({ requestId: several.request.id }, { by: 'user:maya' });

  // Extensions that a revoke could not see yet: one waits for reviewers, the other for the approver.
  for (const verdict of [review, approve]) {
    approver.script.decide = review;
    const grant = await granted();
    approver.script.decide = verdict === review ? review : inTurn(throws(new Error('down')), approve);
    let id = '';
    store.cross = async () => {
      const made = await engine.extend(grant.id, { requestedBy: 'user:maya', ttl: '5m' }).catch((error: { requestId: string }) => error);
      id = 'request' in made ? made.request.id : made.requestId;
    };
    await engine.revoke(grant.id, by);
    await (verdict === review ? engine.approve(id, by) : decideAgain(engine, id));
  }

  // A lock that a person lifts, and one that is open.
  const { lock } = await engine.lock({ subject: 'user:thief' }, { ...by, reason: 'INC-9' });
  await engine.unlock(lock.id, { ...by, reason: 'found' });
  await engine.lock({ scope: 'locked:**' }, { ...by, until: clock.now() + 30_000 });

  // Break-glass, overdue and then reviewed; a refused attempt; ends that time causes; and the purge.
  const emergency = await engine.breakGlass(fresh());
  const { breakGlass } = approver.script;
  approver.script.breakGlass = { outcome: 'deny', reason: 'no' };
  await engine.breakGlass(fresh()).catch(() => undefined);
  approver.script.breakGlass = breakGlass;
  approver.script.isEligible = false;
  const { scope: first, ...bundle } = fresh();
  const many = [first, ...Array.from({ length: 5 }, (_, i) => `many:${i}`)];
  await engine.requestAccess({ ...bundle, scopes: many }).catch(() => undefined);
  approver.script.isEligible = true;
  // Two grants of which one sweep warns, and which another records as expired.
  approver.script.decide = approve;
  await engine.requestAccess({ ...ask, scopes: [fresh().scope, fresh().scope] });
  await clock.advance('1m');
  await engine.sweep();
  await engine.reviewBreakGlass(emergency.request.id, { by: 'user:lee', verdict: 'justified' });
  await clock.advance('13m');
  await engine.sweep();
  await clock.advance('3d');
  await engine.sweep();
  await engine.flushAudit();

  // An external system that is down until the tries are used up, then takes the change; and once more, dismissed.
  let isDown = true;
  const apply = () => (isDown ? Promise.reject(new Error('down')) : undefined);
  const scope = 'role:admin';
  const roles = new JitEngine({ clock, store, approver });
  const provisioning = provision(roles, { name: 'roles', scopes: [scope], tries: 2, apply });
  const fail = async () => {
    for (let i = 0; i < 3; i++) {
      await roles.sweep();
      await roles.flushAudit();
      await clock.advance('1m');
    }
  };
  approver.script.decide = approve;
  const role = await roles.requestAccess({ ...ask, scope });
  await fail();
  isDown = false;
  await provisioning.resync();
  isDown = true;
  await roles.revoke(`${role.request.id}.1`, by);
  await fail();
  for (const { id } of await failedChanges(roles)) await dismissChange(roles, id, { ...by, reason: 'by hand' });

  const fields = new Map<string, Set<string>>();
  const collect = async (of: GrantStore = store) => {
    for await (const { type, data } of readJournal(of))
      for (const name of Object.keys(data)) (fields.get(type) ?? setOf(fields, type)).add(name);
  };
  // The end of a lock, which the entries of callers confirm.
  const quiet = new MemoryGrantStore();
  const locking = new JitEngine({ clock, store: quiet, approver });
  await locking.lock({ scope: 'locked:**' }, { ...by, until: clock.now() + 30_000 });
  await clock.advance('1m');
  for (let i = 0; i < 2; i++) await locking.requestAccess(fresh());
  await locking.sweep();
  await collect(quiet);
  // A process that is an hour behind, and whose clock a person accepts.
  const slow = new JitEngine({ clock: new ManualClock(clock.now() - 3_600_000), store, approver });
  await acceptClock(slow, { by: 'user:ops', reason: 'node 4 was ahead' });
  // An engine that has seen entries that the store has lost.
  const knownHead = { seq: (await journalHead(engine)).seq + 100, hash: 'f'.repeat(64) };
  const restarted = new JitEngine({ clock, store, approver, knownHead, onError: () => undefined });
  await acceptRollback(restarted, { by: 'user:ops', reason: 'restored the backup of 03:00' });
  await collect();
  await purge(engine, { before: clock.now(), by: 'user:dpo', force: true });
  await collect();
  return fields;
}

function setOf(fields: Map<string, Set<string>>, type: string): Set<string> {
  const set = new Set<string>();
  fields.set(type, set);
  return set;
}
