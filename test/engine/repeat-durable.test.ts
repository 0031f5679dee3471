import { dismissChange, failedChanges, provision } from 'jit-access/provisioning';
import { purge } from 'jit-access/retention';
import { explain, preview } from 'jit-access/explain';
import { journalHead } from 'jit-access/journal';
import { describe, expect, it } from 'vitest';
import {
  autoApprove,
  isJitError,
  MemoryGrantStore,
  OutcomeUnknownError,
  reviewers,
  type GrantStore,
  type JitEngine,
} from '../../src/index.js';
import type { Change } from '../../src/store.js';
import { FaultyStore, ScriptedApprover } from '../../src/testing.js';
import { rolesTarget, Roles, settle } from '../features/provisioning/external-system.js';
import { aGranted, ANA, anEngine, aPending, ask, at, HOUR, MAYA, MINUTE, SAM, SCOPE } from './an-engine.js';
import { wholeStore } from './whole-store.js';
import { linksOf } from '../features/links/links-of.js';
import { decideAgain } from './decide-again.js';

const KEY = { idempotencyKey: 'k' } as const;
const DAY = 24 * HOUR;

/** While its replica lags, a commit is applied, and readable, on the primary; its caller learns only that the outcome is unknown. */
class ReplicatedStore extends FaultyStore {
  lags = false;
  readonly committed: Change[] = [];

  constructor(durability: GrantStore['durability']) {
    super(new MemoryGrantStore({ namespace: 'payments' }));
    Object.defineProperty(this, 'durability', { value: durability });
  }

  override async commit(change: Change) {
    const answer = await super.commit(change);
    this.committed.push(change);
    if (this.lags && this.durability === 'server' && answer.outcome === 'committed')
      throw new OutcomeUnknownError(change.id, new Error('no replica has it'));
    return answer;
  }

  get emptyCommits(): number {
    return this.committed.filter(({ expect, put, append, remove = [] }) => put.length + append.length + remove.length + expect.length === 0)
      .length;
  }
}

type Verb = (engine: JitEngine) => Promise<unknown>;
type Made = ReturnType<typeof aService>;

const two = reviewers({ members: [SAM, ANA], approvals: 2, denials: 2 });
const uses = new ScriptedApprover({ decide: { outcome: 'approve', terms: { maxUses: 3 } } });
const emergency = new ScriptedApprover({
  decide: { outcome: 'approve' },
  breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
  mayReviewBreakGlass: true,
});
const taken = { subject: MAYA, scope: SCOPE, ttl: HOUR, justification: 'the site is down' } as const;

/** Two engines, as two processes are, over one primary. */
function aService(durability: GrantStore['durability'], options: Parameters<typeof anEngine>[0] = {}) {
  const store = new ReplicatedStore(durability);
  const first = anEngine({ ...options, store });
  const second = anEngine({ ...options, store, clock: first.clock });
  return { ...first, store, engines: [first.engine, second.engine] as const };
}

/** The preparation of each case, and the call that is then repeated. */
const verbs: Readonly<Record<string, readonly [options: Parameters<typeof anEngine>[0], prepare: (made: Made) => Promise<Verb>]>> = {
  'a requestAccess under a used key': [{}, async () => (engine) => ask(engine, KEY)],
  'a requestAccess that was approved, under a used key': [{ approver: autoApprove(() => true) }, async () => (engine) => ask(engine, KEY)],
  'the same ask again, without a key': [{}, async () => (engine) => ask(engine)],
  'an extend under a used key': [
    {},
    async ({ engine }) => {
      const { id } = await aGranted(engine);
      return (other) => other.extend(id, { ttl: MINUTE, requestedBy: MAYA, ...KEY });
    },
  ],
  'a breakGlass under a used key': [{ approver: emergency }, async () => (engine) => engine.breakGlass({ ...taken, ...KEY })],
  'another question about a decided request': [
    { approver: autoApprove(() => true) },
    async ({ engine }) => {
      const { request } = await ask(engine);
      return (other) => decideAgain(other, request.id);
    },
  ],
  'a repeated approve': [
    { approver: two },
    async ({ engine }) => {
      const { id } = await aPending(engine);
      return (other) => other.approve(id, { by: SAM });
    },
  ],
  'a repeated deny': [
    { approver: two },
    async ({ engine }) => {
      const { id } = await aPending(engine);
      return (other) => other.deny(id, { by: SAM });
    },
  ],
  'a repeat of the deny that decided': [
    {},
    async ({ engine }) => {
      const { id } = await aPending(engine);
      const denied = (error: unknown) => {
        if (!isJitError(error) || error.code !== 'ERR_JIT_DECIDED') throw error;
      };
      return (other) => other.deny(id, { by: SAM }).catch(denied);
    },
  ],
  ...Object.fromEntries(
    (['justified', 'unjustified'] as const).map((verdict) => [
      `a repeated acknowledge: ${verdict}`,
      [
        { approver: emergency },
        async ({ engine }: Made) => {
          const { request } = await engine.breakGlass(taken);
          return (other: JitEngine) => other.reviewBreakGlass(request.id, { by: SAM, verdict });
        },
      ] as const,
    ]),
  ),
  'a consume under a used key': [
    { approver: uses },
    async ({ engine }) => {
      await ask(engine);
      return (other) => other.consume(MAYA, SCOPE, KEY);
    },
  ],
  'a repeated revoke': [
    {},
    async ({ engine }) => {
      const { id } = await aGranted(engine);
      return (other) => other.revoke(id, { by: SAM });
    },
  ],
  'a repeated cancel': [
    {},
    async ({ engine }) => {
      const { id } = await aPending(engine);
      return (other) => other.cancel(id, { by: MAYA });
    },
  ],
  'a repeated dismissProvisioning': [
    {},
    async ({ engine, engines, clock }) => {
      for (const one of engines) provision(one, rolesTarget(Object.assign(new Roles(), { failing: 1 }), { tries: 1 }));
      await aGranted(engine);
      await settle(engine);
      await clock.advance(MINUTE);
      const [change] = await failedChanges(engine);
      return (other) => dismissChange(other, (change as { id: string }).id, { by: SAM });
    },
  ],
  'a purge below a later horizon': [
    {},
    async ({ engine, clock, store }) => {
      await aGranted(engine);
      await clock.advance(3 * DAY);
      await engine.sweep();
      store.lags = true;
      await codeOf(purge(engine, { before: at(2 * DAY), by: SAM, force: true }));
      return (other) => purge(other, { before: at(DAY), by: SAM, force: true });
    },
  ],
};

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'acknowledged',
    (error: unknown) => (isJitError(error) ? error.code : error),
  );

/** Repeats a call until it writes nothing more. @returns the outcome of each call */
async function untilWritten(store: GrantStore, call: () => Promise<unknown>): Promise<readonly unknown[]> {
  const codes: unknown[] = [];
  for (;;) {
    const before = await wholeStore(store);
    codes.push(await codeOf(call()));
    const after = await wholeStore(store);
    if (JSON.stringify(after) === JSON.stringify(before)) return codes;
    if (codes.length === 20) throw new Error('every repeat writes');
  }
}

describe('a store whose commits a second server acknowledges', () => {
  it.each(Object.entries(verbs))(
    '%s is not acknowledged before that server has what the call read (L12)',
    async (_, [options, prepare]) => {
      const made = aService('server', options);
      const { store, engines } = made;
      const verb = await prepare(made);
      store.lags = true;
      const codes = [...(await untilWritten(store, () => verb(engines[0]))), ...(await untilWritten(store, () => verb(engines[1])))];
      expect(new Set(codes)).toEqual(new Set([expect.stringMatching(/^ERR_JIT_(OUTCOME_UNKNOWN|PARTIAL)$/)]));
      store.lags = false;
      const [rows, empty] = [await wholeStore(store), store.emptyCommits];
      expect(await codeOf(verb(engines[1]))).toBe('acknowledged');
      expect(await wholeStore(store)).toEqual(rows);
      expect(store.emptyCommits).toBeGreaterThan(empty);
    },
  );

  it.each(Object.entries(verbs))('%s makes no extra commit if a commit needs no second server', async (_, [options, prepare]) => {
    const made = aService('process', options);
    const verb = await prepare(made);
    await untilWritten(made.store, () => verb(made.engine));
    expect(await codeOf(verb(made.engines[1]))).toBe('acknowledged');
    expect(made.store.emptyCommits).toBe(0);
  });

  it('no check and no read waits for that server (L34)', async () => {
    const made = aService('server');
    const { engine, store } = made;
    await aGranted(engine, { scope: 'held' });
    const { id } = await aPending(engine);
    const token = await linksOf(engine).create(id, { reviewer: SAM, decision: 'deny' });
    store.lags = true;
    const reads: readonly Promise<unknown>[] = [
      engine.isAllowed(MAYA, 'held'),
      engine.check(MAYA, 'held'),
      engine.assertAllowed(MAYA, 'held'),
      engine.check(MAYA, 'held', { touch: 'wait' }),
      engine.consume(MAYA, 'held'),
      engine.status(MAYA),
      explain(engine, MAYA, 'held'),
      engine.inbox(SAM),
      engine.getRequest(id),
      engine.listRequests(),
      engine.listRequests({ afterReview: 'pending' }),
      linksOf(engine).open(token),
      preview(engine, { subject: MAYA, scope: SCOPE, ttl: 15 * MINUTE }),
      engine.whoHadAccess({ scope: 'held', at: at(0) }),
      engine.listGrants({ subject: MAYA, during: { from: at(0), to: at(HOUR) } }),
      journalHead(engine),
    ];
    expect(new Set(await Promise.all(reads.map(codeOf)))).toEqual(new Set(['acknowledged']));
    expect(store.emptyCommits).toBe(0);
  });
});
