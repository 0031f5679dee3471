import { dismissChange, failedChanges, provision, type Provisioning } from 'jit-access/provisioning';
import { waitFor, watchAccess, withAccess } from 'jit-access/work';
import { canAsk, explain, preview, requestable, stats } from 'jit-access/explain';
import { acceptClock, acceptRollback, purge, removeSink, startRetention } from 'jit-access/retention';
import { expect } from 'vitest';
import { isJitError, type AccessRequest, type AuditSink, type Grant, type GrantStore, type JitEngine } from '../../src/index.js';
import type { Row } from '../../src/store.js';
import { journalHead, verifyJournal } from '../../src/journal.js';
import { ScriptedApprover } from '../../src/testing.js';
import {
  aGranted,
  ANA,
  anEngine,
  aPending,
  ask,
  at,
  entriesOf,
  HOUR,
  LEE,
  MAYA,
  MINUTE,
  SAM,
  SCOPE,
  typesOf,
} from '../engine/an-engine.js';
import { expectReplayed } from '../property/fold.js';
import { linksOf } from '../features/links/links-of.js';

export interface Prepared {
  readonly engine: JitEngine;
  readonly grant: Grant;
  readonly pending: AccessRequest;
  readonly emergency: AccessRequest;
  readonly token: string;
  readonly provisioning: Provisioning;
  readonly changeId: string;
}

let systems = 0;

/** Every verb, on a store with a counted grant, a pending request, and break-glass access with a pending review. */
export const VERBS: Readonly<Record<string, (made: Prepared) => Promise<unknown>>> = {
  requestAccess: ({ engine }) => ask(engine, { scope: 'new' }),
  'requestAccess with a key': ({ engine }) => ask(engine, { scope: 'new', idempotencyKey: 'k' }),
  'requestAccess with a key, of an open request': ({ engine }) => ask(engine, { scope: 'asked', idempotencyKey: 'k' }),
  approve: ({ engine, pending }) => engine.approve(pending.id, { by: SAM }),
  'approve with less time': ({ engine, pending }) => engine.approve(pending.id, { by: SAM, ttl: '5m' }),
  deny: ({ engine, pending }) => engine.deny(pending.id, { by: SAM }),
  comment: ({ engine, pending }) => engine.comment(pending.id, { by: ANA, text: 'why so long?' }),
  'comment with a key': ({ engine, pending }) => engine.comment(pending.id, { by: MAYA, text: 'for the migration', idempotencyKey: 'k' }),
  amend: ({ engine, pending }) => engine.amend(pending.id, { by: MAYA, ttl: '20m' }),
  'amend with a key': ({ engine, pending }) => engine.amend(pending.id, { by: MAYA, ttl: '20m', idempotencyKey: 'k' }),
  cancel: ({ engine, pending }) => engine.cancel(pending.id, { by: MAYA }),
  revoke: ({ engine, grant }) => engine.revoke(grant.id, { by: SAM }),
  release: ({ engine, grant }) => engine.release(grant.id, { by: MAYA }),
  'release of a request': ({ engine, grant }) => engine.release({ requestId: grant.requestId }, { by: MAYA }),
  revokeAll: ({ engine }) => engine.revokeAll({ subject: MAYA }, { by: SAM }),
  'revokeAll of a ticket': ({ engine }) => engine.revokeAll({ ticket: 'INC-1' }, { by: SAM }),
  lock: ({ engine }) => engine.lock({ subject: MAYA }, { by: SAM }),
  unlock: async ({ engine }) => engine.unlock((await engine.lock({ scope: 'db-other:**' }, { by: SAM })).lock.id, { by: SAM }),
  listLocks: ({ engine }) => engine.listLocks(),
  extend: ({ engine, grant }) => engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m' }),
  'extend with a key': ({ engine, grant }) => engine.extend(grant.id, { requestedBy: MAYA, ttl: '5m', idempotencyKey: 'k' }),
  'extend of a request': ({ engine, grant }) => engine.extend({ requestId: grant.requestId }, { requestedBy: MAYA, ttl: '5m' }),
  breakGlass: ({ engine }) => engine.breakGlass(EMERGENCY),
  'breakGlass with a key': ({ engine }) => engine.breakGlass({ ...EMERGENCY, idempotencyKey: 'k' }),
  reviewBreakGlass: ({ engine, emergency }) => engine.reviewBreakGlass(emergency.id, { by: SAM, verdict: 'unjustified' }),
  'inbox of break-glass': ({ engine }) => engine.inbox(SAM, { of: 'breakGlass' }),
  'approvalLinks create': ({ engine, pending }) => linksOf(engine).create(pending.id, { reviewer: ANA, decision: 'deny' }),
  'approvalLinks open': ({ engine, token }) => linksOf(engine).open(token),
  'approvalLinks redeem': ({ engine, token }) => linksOf(engine).redeem(token, { by: SAM }),
  'check with touch, awaited': ({ engine }) => engine.check(MAYA, SCOPE, { touch: 'wait' }),
  'check with touch': ({ engine }) => engine.check(MAYA, SCOPE, { touch: true }),
  'check with recordUse': ({ engine }) => engine.check(MAYA, SCOPE, { recordUse: true }),
  consume: ({ engine }) => engine.consume(MAYA, SCOPE),
  'consume with a key': ({ engine }) => engine.consume(MAYA, SCOPE, { idempotencyKey: 'k' }),
  withAccess: ({ engine }) => withAccess(engine, MAYA, SCOPE, () => true),
  watchAccess: async ({ engine }) => {
    (await watchAccess(engine, MAYA, SCOPE)).stop();
    return true;
  },
  waitFor: ({ engine, grant }) => waitFor(engine, grant.requestId),
  // An external system has a new name each time.
  provision: async ({ engine }) => {
    provision(engine, { name: `system-${systems++}`, scopes: [SCOPE], apply: () => undefined });
    await engine.flushAudit();
  },
  failedChanges: ({ engine }) => failedChanges(engine),
  dismissChange: ({ engine, changeId }) => dismissChange(engine, changeId, { by: SAM }),
  'provision failed': ({ provisioning }) => provisioning.failed(),
  'provision dismiss': ({ provisioning, changeId }) => provisioning.dismiss(changeId, { by: SAM }),
  'provision resync': ({ provisioning }) => provisioning.resync(),
  'provision reconcile': ({ provisioning }) => provisioning.reconcile(),
  isAllowed: ({ engine }) => engine.isAllowed(MAYA, SCOPE),
  assertAllowed: ({ engine }) => engine.assertAllowed(MAYA, SCOPE),
  filterAllowed: ({ engine }) => engine.filterAllowed(MAYA, [SCOPE]),
  status: ({ engine }) => engine.status(MAYA),
  explain: ({ engine }) => explain(engine, MAYA, 'never:asked'),
  requestable: ({ engine }) => requestable(engine, MAYA),
  preview: ({ engine }) => preview(engine, { subject: MAYA, scope: 'new', ttl: '5m' }),
  canAsk: ({ engine }) => canAsk(engine, MAYA, 'never:asked'),
  stats: ({ engine }) => stats(engine),
  getRequest: ({ engine, pending }) => engine.getRequest(pending.id),
  listRequests: ({ engine }) => engine.listRequests(),
  getGrant: ({ engine, grant }) => engine.getGrant(grant.id),
  listGrants: ({ engine }) => engine.listGrants(),
  inbox: ({ engine }) => engine.inbox(SAM),
  whoHadAccess: ({ engine }) => engine.whoHadAccess({ scope: SCOPE, at: at(0) }),
  'listGrants during a span': ({ engine }) => engine.listGrants({ during: { from: 0, to: at(0) } }),
  sweep: ({ engine }) => engine.sweep(),
  flushAudit: ({ engine }) => engine.flushAudit(),
  startRetention: ({ engine }) => startRetention(engine, { keep: '1d' }).stop(),
  purge: ({ engine }) => purge(engine, { before: at(0), by: SAM, force: true }),
  acceptClock: ({ engine }) => acceptClock(engine, { by: SAM }),
  acceptRollback: ({ engine }) => acceptRollback(engine, { by: SAM }),
  journalHead: ({ engine }) => journalHead(engine),
  removeSink: ({ engine }) =>
    removeSink(engine, 'gone').catch((error: unknown) => {
      if (!isJitError(error) || error.code !== 'ERR_JIT_NOT_FOUND') throw error;
    }),
};

export const EMERGENCY = { subject: MAYA, scope: 'burning', ttl: '5m', justification: 'it burns' } as const;

/** The entries of a purge and of background calls to external systems, which differ each time. */
const BESIDES = /^(?:journal\.purged$|provisioning\.)/;

/** All rows and entries of a store, for comparing before and after. */
export async function everything(store: GrantStore): Promise<{ rows: readonly Row[]; types: readonly string[] }> {
  const rows: Row[] = [];
  for (const kind of ['request', 'grant', 'usage', 'use', 'reuse', 'subject', 'activity', 'comment', 'holders'])
    rows.push(...(await store.find({ kind, limit: 1000 })).items);
  return { rows, types: (await typesOf(store)).filter((type) => !BESIDES.test(type)) };
}

export async function prepared(audit?: AuditSink | readonly AuditSink[]) {
  const reviewers = [SAM, ANA, LEE];
  const approver = new ScriptedApprover({
    decide: {
      outcome: 'review',
      quorum: { groups: [{ name: 'reviewers', approvals: 1 }] },
      terms: { idleTtlMs: 2 * HOUR, maxUses: 3 },
    },
    groupsOf: (reviewer) => (reviewers.includes(reviewer) ? ['reviewers'] : []),
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
    mayReviewBreakGlass: (reviewer) => reviewers.includes(reviewer),
  });
  const made = anEngine({ audit, approver, limits: { reviewWithin: 2 * HOUR } });
  const { engine, clock, store } = made;
  const provisioning = provision(engine, { name: 'roles', scopes: [SCOPE], apply: () => undefined });
  const [grant, pending] = [await aGranted(engine), await aPending(engine, { scope: 'asked' })];
  const { request: emergency } = await engine.breakGlass({ ...EMERGENCY, subject: 'user:bob' });
  const token = await linksOf(engine).create(pending.id, { reviewer: SAM, decision: 'approve' });
  await engine.flushAudit();
  // Late enough for a use to be recorded.
  await clock.set(at(13 * MINUTE));
  const [change] = (await store.find({ kind: 'provisioning', limit: 1 })).items;
  return { ...made, approver, grant, pending, emergency, token, provisioning, changeId: change?.id as string };
}

/** L25 L27: after anything, the store holds whole transitions, and the journal agrees with it. */
export async function expectWhole(store: GrantStore, engine: JitEngine): Promise<void> {
  const entries = await entriesOf(store);
  expect(await verifyJournal(entries)).toMatchObject({ ok: true });
  await expectReplayed(store);
  for (const { id } of (await engine.listRequests()).items) {
    const stored = await engine.getRequest(id);
    if (stored === undefined) throw new Error(`request ${id} has gone`);
    const { end } = stored.request;
    expect(stored.grants.length).toBe(end?.status === 'approved' ? end.granted.scopes.length : 0);
  }
}
