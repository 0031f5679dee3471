import { MemoryGrantStore, EntryRefusedError, JitEngine, patternScopes, type AuditSink } from 'jit-access';
import { journalHead, readJournal } from 'jit-access/journal';
import { dismissChange, failedChanges, provision } from 'jit-access/provisioning';
import { acceptClock, acceptRollback, purge, startRetention } from 'jit-access/retention';
import type { Change, Row } from 'jit-access/store';
import { inTurn, ManualClock, ScriptedApprover, throws } from 'jit-access/testing';

/* A program that writes what a release stores. It runs over that release, so it uses only what 0.1.0 exports. */

/** Remembers each row that was ever written, and the namespace's configuration as a store that outlives its process does. */
class RecordedStore extends MemoryGrantStore {
  override readonly durability = 'process' as unknown as 'memory';
  readonly written: Row[] = [];

  override async commit(change: Change) {
    const answer = await super.commit(change);
    if (answer.outcome === 'committed') this.written.push(...(JSON.parse(JSON.stringify(change.put)) as Row[]));
    return answer;
  }
}

/** What a release wrote. */
export interface Played {
  readonly namespace: string;
  /** All rows at the end. */
  readonly rows: readonly Row[];
  /** Rows that were replaced or removed before the end. */
  readonly earlier: readonly Row[];
  readonly entries: readonly unknown[];
}

const GROUPS = [{ name: 'on-call', approvals: 1 }];
const TERMS = { warnBeforeMs: [120_000, 60_000], idleTtlMs: 3_600_000, maxUses: 3 };
const MINUTE = 60_000;

/** Plays requests, grants and their ends until a store has held every field of every kind of row. */
async function play(): Promise<Played> {
  const clock = new ManualClock();
  const store = new RecordedStore({ namespace: 'payments' });
  const approver = new ScriptedApprover({
    decide: { outcome: 'approve' },
    groupsOf: (reviewer) => (reviewer === 'user:sam' || reviewer === 'user:ana' ? ['on-call', 'lead'] : ['on-call']),
    isEligible: true,
    breakGlass: { outcome: 'deny', reason: 'no' },
    mayReviewBreakGlass: true,
  });
  const { script } = approver;
  let refuses = true;
  const sink: AuditSink = {
    name: 'siem',
    write: (entries) => {
      if (refuses) throw new EntryRefusedError(entries[0]?.id ?? '', 'too long');
    },
  };
  const options = { clock, store, approver, scopes: patternScopes, onError: () => undefined, recordUse: true };
  const engine = new JitEngine({ ...options, audit: [sink] });
  const sam = { by: 'user:sam' };
  let scopes = 0;
  const fresh = () => `db:${++scopes}`;
  const ask = { subject: 'user:maya', ttl: '15m' } as const;
  const asking = async (over: object = {}) => (await engine.requestAccess({ ...ask, scope: fresh(), ...over })).request;
  const idle = async () => {
    await engine.idle();
    await engine.flushAudit().catch(() => undefined);
  };

  // It expires when the median of the journal's entries is past its end.
  await engine.lock({ scope: 'short:**' }, { ...sam, until: clock.now() + MINUTE });

  // A request with every field of its own, a repeat under a key, and a run of an agent for an operator.
  script.decide = { outcome: 'review', rule: 'prod', quorum: { groups: [{ name: 'on-call', approvals: 1, denials: 1 }] }, terms: TERMS };
  const texts = { justification: 'why', ticket: 'INC-1', metadata: { pager: [1, { x: null }] }, correlation: 'trace-1' };
  const whole = { ...ask, scope: fresh(), requestedBy: 'user:noor', ...texts } as const;
  await engine.requestAccess(whole);
  await engine.requestAccess({ ...whole, idempotencyKey: 'again' });
  await engine.requestAccess({ run: { agent: 'agent:7', operator: 'user:noor' }, scope: fresh(), ttl: '5m' });
  const { ttl: _ttl, ...endless } = ask;
  await engine.requestAccess({ ...endless, scope: fresh(), until: clock.now() + 10 * MINUTE });
  await idle();

  // Every form of a quorum, and every field of a review.
  const escalation = { group: 'lead', afterMs: MINUTE };
  const steps = [{ groups: [{ name: 'on-call', approvals: 1, denials: 1 }], escalation }, { groups: [{ name: 'lead', approvals: 1 }] }];
  script.decide = { outcome: 'review', quorum: { steps, denials: 2 } };
  await engine.approve((await asking()).id, { ...sam, as: 'on-call', reason: 'fine', comment: 'really' });
  const stepped = await asking();
  await engine.approve(stepped.id, sam);
  await engine.approve(stepped.id, { by: 'user:ana' });
  script.decide = {
    outcome: 'review',
    quorum: { anyOf: [{ groups: [{ name: 'lead', approvals: 2, denials: 1 }], denials: 1 }, { steps }], approvalTtlMs: 3_600_000 },
  };
  await asking();
  const assurance = { acr: ['phr'], maxAgeMs: 3_600_000 };
  const reminded = { groups: [{ name: 'on-call', approvals: 2 }], escalation, assurance, remindEveryMs: 5 * MINUTE };
  script.decide = { outcome: 'review', quorum: reminded };
  const waiting = await asking({ scope: undefined, scopes: [fresh(), fresh()] });
  const [first = ''] = waiting.scopes;
  await engine.approve(waiting.id, { ...sam, ttl: '10m', scopes: [first], auth: { acr: 'phr', authAt: clock.now() } });
  await engine.comment(waiting.id, { by: 'user:maya', text: 'urgent', idempotencyKey: 'k' });
  for (let i = 0; i < 2; i++) {
    await clock.advance('6m');
    await engine.sweep();
  }

  // The ends of requests: denied, cancelled, amended, expired, approved with every term.
  script.decide = { outcome: 'review', quorum: { groups: GROUPS, reviewWithinMs: 5 * MINUTE } };
  await engine.deny((await asking({ requestedBy: 'user:noor' })).id, { ...sam, reason: 'no' });
  await engine.cancel((await asking()).id, { by: 'user:maya', reason: 'not needed' });
  await engine.amend((await asking()).id, { by: 'user:maya', ttl: '20m' });
  await asking();
  await clock.advance('6m');
  await engine.sweep();
  const limits = { maxTotalMs: 7_200_000, endBy: clock.now() + 7_200_000 };
  script.decide = ({ scopes: asked }) => ({
    ...{ outcome: 'approve', rule: 'few', reason: 'staging' },
    terms: { ...TERMS, ...limits, maxHolders: [{ rule: 'few', max: 9, scopes: asked }] },
  });
  await asking();

  // Grants: extended, used up, released, revoked, expired, scheduled with a question at the start.
  script.decide = { outcome: 'approve', terms: TERMS };
  const extended = await asking();
  await engine.extend(`${extended.id}.1`, { requestedBy: 'user:maya', ttl: '5m' });
  const bundle = await asking({ scope: undefined, scopes: [fresh(), fresh()] });
  await engine.extend({ requestId: bundle.id }, { requestedBy: 'user:maya', ttl: '5m' });
  const used = await asking();
  for (const key of ['a', 'b', undefined]) await engine.consume('user:maya', used.scopes[0] ?? '', { idempotencyKey: key });
  await engine.revoke(`${(await asking()).id}.1`, { ...sam, reason: 'INC-2' });
  await engine.release({ requestId: (await asking()).id }, { by: 'user:maya' });
  await asking({ startsAt: clock.now() + 2 * MINUTE });
  await engine.isAllowed('user:maya', extended.scopes[0] ?? '');
  await idle();
  for (let i = 0; i < 4; i++) {
    await clock.advance('4m');
    await engine.sweep();
    await idle();
  }

  // Break-glass, overdue and then reviewed.
  script.breakGlass = {
    ...{ outcome: 'approve', rule: 'emergency', reviewWithinMs: MINUTE, maxUnreviewed: 9, reviewers: ['lead'] },
    ...{ skippedGroups: ['on-call'], skippedPeople: ['user:sam'] },
  };
  for (const verdict of ['justified', undefined] as const) {
    const { request } = await engine.breakGlass({ ...ask, scope: fresh(), justification: 'fire' });
    await clock.advance('2m');
    await engine.sweep();
    if (verdict !== undefined) await engine.reviewBreakGlass(request.id, { by: 'user:lee', verdict, reason: 'it burned' });
  }

  // Locks: lifted, and open on a subject and on a scope.
  for (const target of [{ subject: 'user:thief' }, { scope: 'stolen:**' }]) {
    const { lock } = await engine.lock(target, { ...sam, reason: 'INC-9', until: clock.now() + 30 * MINUTE });
    await engine.unlock(lock.id, { ...sam, reason: 'found' });
  }
  await engine.lock({ subject: 'user:eve' }, sam);
  await engine.lock({ scope: 'locked:**' }, { ...sam, until: clock.now() + 60 * MINUTE });

  // An external system that is down, then takes the change; and a change that a person dismisses.
  let isDown = true;
  const apply = () => (isDown ? Promise.reject(new Error('down')) : undefined);
  const roles = new JitEngine(options);
  const provisioning = provision(roles, { name: 'roles', scopes: ['role:admin'], tries: 2, apply });
  const settle = async () => {
    for (let i = 0; i < 3; i++) {
      await roles.sweep();
      await roles.flushAudit();
      await clock.advance('1m');
    }
  };
  script.decide = { outcome: 'approve' };
  const role = await roles.requestAccess({ ...ask, scope: 'role:admin' });
  await settle();
  isDown = false;
  await provisioning.resync();
  await settle();
  isDown = true;
  await roles.revoke(`${role.request.id}.1`, sam);
  await settle();
  for (const { id } of await failedChanges(roles)) await dismissChange(roles, id, { ...sam, reason: 'by hand' });

  // An approver that fails, so that a sweep asks it again.
  script.decide = inTurn(throws(new Error('down')), { outcome: 'deny', reason: 'never', rule: 'never' });
  await asking().catch(() => undefined);
  await clock.advance('1m');
  await engine.sweep();

  // A process whose first commit cannot wait for the cursor of its sink, one with a wrong clock, and one whose attempt is refused.
  const late = new JitEngine({ ...options, audit: [{ name: 'archive', write: () => undefined }] });
  script.decide = { outcome: 'approve' };
  await late.revoke(`${(await asking()).id}.1`, sam);
  await late.idle();
  await late.close();
  const slow = new JitEngine({ ...options, clock: new ManualClock(clock.now() - 3_600_000) });
  await acceptClock(slow, { ...sam, reason: 'node 4 was ahead' });
  script.isEligible = false;
  await asking().catch(() => undefined);
  script.isEligible = true;
  await idle();

  // An engine that has seen an entry that the store has lost, and a purge.
  const knownHead = { seq: (await journalHead(engine)).seq + 100, hash: 'f'.repeat(64) };
  await acceptRollback(new JitEngine({ ...options, knownHead }), { ...sam, reason: 'restored the backup of 03:00' });
  refuses = false;
  await idle();
  await purge(engine, { before: clock.now() - 30 * MINUTE, by: 'user:dpo', force: true });
  const retention = startRetention(engine, { keep: '1d' });
  await idle();
  await retention.stop();

  const kinds = [...new Set(store.written.map(({ kind }) => kind))];
  const rows: Row[] = [];
  for (const kind of kinds) rows.push(...(JSON.parse(JSON.stringify((await store.find({ kind, limit: 500 })).items)) as Row[]));
  const last = new Set(rows.map((row) => JSON.stringify(row)));
  const entries: unknown[] = [];
  for await (const entry of readJournal(store)) entries.push(entry);
  await engine.close();
  await roles.close();
  return { namespace: 'payments', rows, earlier: store.written.filter((row) => !last.has(JSON.stringify(row))), entries };
}

process.stdout.write(JSON.stringify(await play()));
