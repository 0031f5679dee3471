import { describe, expect, it } from 'vitest';
import { verifyStore } from 'jit-access/journal';
import { definePolicy, type LiveGroup, type PolicyRule } from 'jit-access/policy';
import {
  autoApprove,
  denyAll,
  firstDecisive,
  MemoryGrantStore,
  patternScopes,
  reviewers,
  type AccessAsk,
  type Approver,
  type GrantStore,
  type JitEngineOptions,
  type Verdict,
} from '../../src/index.js';
import { FaultyStore, ManualClock, ScriptedApprover } from '../../src/testing.js';
import { expectReplayed } from '../property/fold.js';
import { ANA, anEngine, ask, entriesOf, HOUR, MAYA, MINUTE, refusal, SAM, SCOPE, typesOf } from './an-engine.js';
import { wholeStore } from './whole-store.js';

/** The approver, with this answer of `decidesAtOnce`. */
const declaring = (approver: Approver, decidesAtOnce: boolean): Approver =>
  Object.assign(Object.create(approver) as Approver, {
    name: approver.name,
    decide: approver.decide.bind(approver),
    decidesAtOnce: () => decidesAtOnce,
  });

const saying = (verdict: Verdict) =>
  new ScriptedApprover({ decide: verdict, groupsOf: (reviewer) => (reviewer === SAM ? ['ops'] : []), isEligible: true });

const QUORUM = { groups: [{ name: 'ops', approvals: 1 }] } as const;
const HOLDERS = { maxHolders: [{ rule: 'r', max: 1, scopes: [SCOPE] }] };
const commitsOf = (store: FaultyStore) => store.called('commit');

/** What the store holds, without the ids that are drawn for each change. */
async function contentOf(store: GrantStore) {
  const { rows } = await wholeStore(store);
  const entries = (await entriesOf(store)).map(({ type, at, actor, requestId, grantId, data }) => ({
    type,
    at,
    actor,
    requestId,
    grantId,
    data,
  }));
  return { rows, entries };
}

describe('an approver that decides at once', () => {
  const KEYED = { idempotencyKey: 'k' };
  const asks: readonly (readonly [string, Verdict, Partial<AccessAsk>])[] = [
    ['approves', { outcome: 'approve', reason: 'staging' }, {}],
    ['approves a bundle', { outcome: 'approve' }, { scopes: ['a', 'b', 'c'] }],
    ['approves counted uses', { outcome: 'approve', terms: { maxUses: 3, idleTtlMs: MINUTE } }, {}],
    ['approves under maxHolders', { outcome: 'approve', terms: HOLDERS }, {}],
    ['approves a later start', { outcome: 'approve' }, { startsAt: new ManualClock().now() + HOUR }],
    ['approves for another requester', { outcome: 'approve' }, { requestedBy: ANA }],
    ['names a quorum', { outcome: 'review', quorum: QUORUM }, {}],
    ['names a quorum for another requester', { outcome: 'review', quorum: { ...QUORUM, reviewWithinMs: HOUR } }, { requestedBy: ANA }],
    ['denies', { outcome: 'deny', reason: 'frozen' }, {}],
    ['abstains', { outcome: 'abstain' }, {}],
  ];
  for (const [what, verdict, over] of asks) {
    it(`${what}: one commit writes the rows and the entries that two would write (L16, L18)`, async () => {
      const make = async (isAtOnce: boolean) => {
        const made = anEngine({ approver: declaring(saying(verdict), isAtOnce) });
        const before = commitsOf(made.store);
        const result = await ask(made.engine, { ...KEYED, metadata: { a: 1 }, ...over });
        return { ...made, result, commits: commitsOf(made.store) - before };
      };
      const [one, two] = [await make(true), await make(false)];
      expect([one.commits, two.commits]).toEqual([1, 2]);
      expect(await contentOf(one.store)).toEqual(await contentOf(two.store));
      expect(one.result).toEqual(two.result);
      await expectReplayed(one.store);
      expect((await verifyStore(one.store)).differences).toEqual([]);
    });
  }

  it('decides an extension in the commit that records it, as two commits would', async () => {
    const make = async (isAtOnce: boolean) => {
      const made = anEngine({ approver: declaring(saying({ outcome: 'approve' }), isAtOnce) });
      const { request } = await ask(made.engine, KEYED);
      const before = commitsOf(made.store);
      const result = await made.engine.extend(`${request.id}.1`, { ttl: MINUTE, requestedBy: MAYA, ...KEYED });
      return { ...made, result, commits: commitsOf(made.store) - before };
    };
    const [one, two] = [await make(true), await make(false)];
    expect([one.commits, two.commits]).toEqual([1, 2]);
    expect(await contentOf(one.store)).toEqual(await contentOf(two.store));
    expect(one.result).toEqual(two.result);
  });

  it('is asked for the instant of the commit: both entries have one reading of the clock (L27)', async () => {
    const clock = new ManualClock();
    let now = clock.now();
    const running = Object.assign(Object.create(clock) as ManualClock, { now: () => (now += 1) });
    const { engine, store } = anEngine({ approver: autoApprove(() => true, { pure: true }), clock: running });
    expect(await ask(engine)).toMatchObject({ outcome: 'granted', allowed: true });
    expect(new Set((await entriesOf(store)).map(({ at }) => at)).size).toBe(1);
    expect((await verifyStore(store)).differences).toEqual([]);
  });

  type Broken = () => Verdict | Promise<Verdict>;
  const broken: readonly (readonly [string, Broken, string])[] = [
    ['throws', () => raise(new Error('LDAP is down')), 'ERR_JIT_APPROVER'],
    ['returns a promise that rejects', () => Promise.reject(new Error('LDAP is down')), 'ERR_JIT_APPROVER'],
    ['gives a malformed answer', () => ({ outcome: 'yes' }) as unknown as Verdict, 'ERR_JIT_APPROVER'],
  ];
  for (const [what, decide, code] of broken) {
    it(`records the request alone if it ${what}, and reports the failure with its id (L16)`, async () => {
      const { engine, store } = anEngine({ approver: declaring(new ScriptedApprover({ decide }), true) });
      const error = await refusal(ask(engine));
      expect(error).toMatchObject({ code });
      expect(await typesOf(store)).toEqual(['request.created']);
      const [row] = (await store.find({ kind: 'request', limit: 10 })).items;
      expect('requestId' in error && error.requestId).toBe(row?.id);
    });
  }

  it('records the request alone before it waits for an answer that is a promise (L16)', async () => {
    const posted: string[] = [];
    let answer: (verdict: Verdict) => void = () => undefined;
    const approver = new ScriptedApprover({
      decide: async ({ id }) => {
        posted.push(id);
        return posted.length === 1 ? new Promise<Verdict>(() => undefined) : new Promise<Verdict>((resolve) => (answer = resolve));
      },
    });
    const { engine, store } = anEngine({ approver: declaring(approver, true) });
    const asked = ask(engine);
    await until(() => posted.length === 2);
    expect(await typesOf(store)).toEqual(['request.created']);
    expect(posted[0]).toBe(posted[1]);
    answer({ outcome: 'approve' });
    expect(await asked).toMatchObject({ outcome: 'granted' });
  });

  it('does not believe an approver whose `decidesAtOnce` throws or returns another value (L30)', async () => {
    for (const decidesAtOnce of [() => raise(new Error('bug')), () => 'yes', () => Promise.resolve(true), () => undefined]) {
      const approver = Object.assign(saying({ outcome: 'approve' }), { decidesAtOnce }) as unknown as Approver;
      const { engine, store } = anEngine({ approver });
      expect(await ask(engine)).toMatchObject({ outcome: 'granted' });
      expect(commitsOf(store)).toBe(2);
    }
  });

  it('leaves the request pending at the limit of maxHolders, as two commits do', async () => {
    const approver = declaring(saying({ outcome: 'approve', terms: HOLDERS }), true);
    const { engine, store } = anEngine({ approver });
    await ask(engine, { subject: ANA });
    const error = await refusal(ask(engine), 'ERR_JIT_LIMIT');
    expect(error).toMatchObject({ limit: 'maxHolders' });
    expect((await typesOf(store)).slice(-2)).toEqual(['request.created', 'attempt.refused']);
    expect((await engine.getRequest(error.requestId ?? ''))?.outcome).toBe('pending');
  });

  it('records the request alone if the terms give it no time, and then denies it', async () => {
    const { engine, store } = anEngine({ approver: declaring(saying({ outcome: 'approve', terms: { maxTotalMs: MINUTE } }), true) });
    expect(await ask(engine, { ttl: HOUR })).toMatchObject({ outcome: 'denied' });
    expect(commitsOf(store)).toBe(2);
    expect(await typesOf(store)).toEqual(['request.created', 'request.denied']);
  });

  it('gives nothing if a lock is set between the reads and the commit (L45)', async () => {
    const { engine, store, clock } = anEngine({ approver: autoApprove(() => true, { pure: true }) });
    const other = anEngine({ store, clock }).engine;
    const commit = store.commit.bind(store);
    let isFirst = true;
    store.commit = async (change) => {
      if (isFirst) {
        isFirst = false;
        await other.lock({ subject: MAYA }, { by: SAM, reason: 'a stolen laptop' });
      }
      return commit(change);
    };
    await refusal(ask(engine), 'ERR_JIT_LOCKED');
    expect(await typesOf(store)).not.toContain('request.created');
    expect(await engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('makes one request of two processes that ask under one key at once (L11)', async () => {
    for (let seed = 1; seed <= 20; seed++) {
      const approver = autoApprove(() => true, { pure: true });
      const { engine, store, clock } = anEngine({ approver });
      const other = anEngine({ approver, store, clock }).engine;
      store.inject('all', { fault: 'yield', seed });
      const answers = await Promise.all([ask(engine, KEYED), ask(other, KEYED), ask(engine, KEYED), ask(other, KEYED)]);
      store.clear();
      expect(new Set(answers.map(({ request }) => request.id)).size).toBe(1);
      expect(answers.filter(({ reused }) => !reused)).toHaveLength(1);
      expect(answers.every(({ allowed }) => allowed)).toBe(true);
      expect(await typesOf(store)).toEqual(['request.created', 'request.approved', 'grant.issued']);
    }
  });

  it('[A28] records an extension alone if the grant is missing from the read that decides: it cancels nothing by that read (L12)', async () => {
    const commits: number[] = [];
    // One read of the grant, the first to the last one of the call, gets no row.
    for (let missing = 1, isMissed = true; isMissed; missing++) {
      const { engine, store } = anEngine({ approver: declaring(saying({ outcome: 'approve' }), true) });
      const { request } = await ask(engine, KEYED);
      const get = store.get.bind(store);
      let reads = 0;
      store.get = async (keys) => (await get(keys)).map((row) => (row?.kind === 'grant' && (reads += 1) === missing ? undefined : row));
      const before = commitsOf(store);
      const result = await engine.extend(`${request.id}.1`, { ttl: MINUTE, requestedBy: MAYA, ...KEYED }).catch((error: unknown) => error);
      isMissed = reads >= missing;
      if (!(result instanceof Error)) commits.push(commitsOf(store) - before);
      expect(await typesOf(store), `read ${missing}`).not.toContain('request.cancelled');
      expect(result, `read ${missing}`).toMatchObject(
        result instanceof Error ? { name: expect.stringMatching(/^(NotFound|Ended)Error$/) as string } : { outcome: 'granted' },
      );
    }
    expect(commits).toContain(2);
    expect(commits.at(-1)).toBe(1);
  });

  it('[A28] makes a request of its own under a key if the request that it repeats ends while the approver is asked (L11)', async () => {
    const store = new MemoryGrantStore();
    const approver = new ScriptedApprover({ decide: { outcome: 'review', quorum: QUORUM } });
    const first = anEngine({ store: store, approver });
    const { request } = await ask(first.engine);
    const engine = anEngine({
      store: store,
      clock: first.clock,
      approver: new ScriptedApprover({
        decide: { outcome: 'review', quorum: QUORUM },
        isEligible: async () => {
          await first.engine.cancel(request.id, { by: MAYA });
          return true;
        },
      }),
    }).engine;
    const repeat = await ask(engine, KEYED);
    expect(repeat).toMatchObject({ outcome: 'pending', reused: false });
    expect(repeat.request.id).not.toBe(request.id);
    expect(await ask(first.engine, KEYED)).toMatchObject({ reused: true, request: { id: repeat.request.id } });
  });
});

describe('own rows', () => {
  const atOnce = { approver: autoApprove(() => true, { pure: true }) };

  /** Runs `after` when the first commit was applied; its reply is lost. */
  function losing(
    options: Partial<JitEngineOptions>,
    after: (made: ReturnType<typeof anEngine>) => Promise<unknown>,
    isMeant = (_: number) => true,
  ) {
    const made = anEngine(options);
    const other = anEngine({ store: made.store, clock: made.clock, ...options });
    const commit = made.store.commit.bind(made.store);
    let calls = 0;
    made.store.commit = async (change) => {
      const answer = await commit(change);
      if (!isMeant(calls++)) return answer;
      made.store.commit = commit;
      await after(other);
      throw new Error('the reply was lost');
    };
    return made;
  }

  const revoked = async ({ engine, store }: ReturnType<typeof anEngine>) => {
    const [grant] = (await store.find({ kind: 'grant', limit: 1 })).items;
    await engine.revoke(grant?.id ?? '', { by: SAM });
  };

  it('of one commit do not count after a resend: a revoke may have resolved in between (L12, L31)', async () => {
    const { engine } = losing(atOnce, revoked);
    expect(await ask(engine)).toMatchObject({ outcome: 'ended', allowed: false, grants: [{ status: 'revoked' }], reused: false });
  });

  it('of an approval do not count after a resend (L12, L31)', async () => {
    const { engine } = losing({}, revoked, (calls) => calls === 1);
    const { request } = await ask(engine);
    expect(await engine.approve(request.id, { by: SAM })).toMatchObject({ outcome: 'ended', allowed: false });
  });

  it('of break-glass access do not count after a resend (L12, L31)', async () => {
    const approver = new ScriptedApprover({ breakGlass: { outcome: 'approve', reviewWithinMs: HOUR } });
    const { engine } = losing({ approver }, revoked);
    const result = await engine.breakGlass({ subject: MAYA, scope: SCOPE, ttl: HOUR, justification: 'down' });
    expect(result).toMatchObject({ outcome: 'ended', allowed: false, reused: false });
  });

  it('of a recorded request do not count after a resend: the request may have been cancelled (L31)', async () => {
    const cancelled = async ({ engine, store }: ReturnType<typeof anEngine>) => {
      const [request] = (await store.find({ kind: 'request', limit: 1 })).items;
      await engine.cancel(request?.id ?? '', { by: MAYA });
    };
    const { engine } = losing({ approver: saying({ outcome: 'approve' }) }, cancelled);
    expect(await ask(engine)).toMatchObject({ outcome: 'cancelled', allowed: false });
  });

  it('do not count after a conflict: the request may have been cancelled while the approver decided', async () => {
    const made = anEngine({ approver: new ScriptedApprover({ decide: () => decide() }) });
    const other = anEngine({ store: made.store, clock: made.clock }).engine;
    const decide = async (): Promise<Verdict> => {
      const [request] = (await made.store.find({ kind: 'request', limit: 1 })).items;
      await other.cancel(request?.id ?? '', { by: MAYA });
      return { outcome: 'approve' };
    };
    expect(await ask(made.engine)).toMatchObject({ outcome: 'cancelled', allowed: false });
    expect(await made.engine.isAllowed(MAYA, SCOPE)).toBe(false);
  });

  it('do not deny by a limit that a revoke has freed while the approver decided', async () => {
    const store = new FaultyStore(new MemoryGrantStore());
    const limits = { maxGrants: 2 };
    const first = anEngine({ store, limits, ...atOnce });
    const { request } = await ask(first.engine, { scope: 'first' });
    const approver = new ScriptedApprover({
      decide: async (): Promise<Verdict> => {
        // Both places are taken, and free again, while this approver decides.
        const { request: second } = await ask(first.engine, { scope: 'second', requestedBy: ANA });
        for (const { id } of [request, second]) await first.engine.revoke(`${id}.1`, { by: SAM });
        return { outcome: 'approve' };
      },
    });
    const { engine } = anEngine({ store, limits, clock: first.clock, approver });
    expect(await ask(engine, { scope: 'third' })).toMatchObject({ outcome: 'granted' });
  });

  it('carry the id of the request that may be recorded, if no reply arrives (L31)', async () => {
    const { engine, store } = anEngine(atOnce);
    store.inject('commit', { fault: 'lose reply' });
    const error = await refusal(ask(engine), 'ERR_JIT_OUTCOME_UNKNOWN');
    store.clear();
    const [row] = (await store.find({ kind: 'request', limit: 1 })).items;
    expect(error.requestId).toBe(row?.id);
    expect(error.message).toContain(`request ${row?.id ?? ''} may be recorded`);
  });
});

describe('decidesAtOnce of the approvers of this package', () => {
  const request = { scopes: ['a'], subject: MAYA, requestedBy: MAYA } as never;
  const context = {} as never;
  const pure = autoApprove(() => false, { pure: true });
  const plain = autoApprove(() => false, { name: 'plain' });

  it('is declared by autoApprove with pure, reviewers and denyAll', () => {
    expect(pure.decidesAtOnce?.(request, context)).toBe(true);
    expect(reviewers({ members: [SAM] }).decidesAtOnce?.(request, context)).toBe(true);
    expect(denyAll().decidesAtOnce?.(request, context)).toBe(true);
    expect('decidesAtOnce' in plain).toBe(false);
  });

  it('is declared by a chain only if every member declares it for the request', () => {
    expect(firstDecisive(pure, denyAll()).decidesAtOnce?.(request, context)).toBe(true);
    expect(firstDecisive(pure, plain, denyAll()).decidesAtOnce?.(request, context)).toBe(false);
    expect(firstDecisive(pure, declaring(saying({ outcome: 'abstain' }), false)).decidesAtOnce?.(request, context)).toBe(false);
  });

  it('lets a chain of such members decide without a promise, in the order of the members', async () => {
    const approver = firstDecisive(pure, reviewers({ members: [SAM, ANA] }), denyAll());
    const { engine, store } = anEngine({ approver });
    expect(await ask(engine)).toMatchObject({ outcome: 'pending', request: { approver: 'reviewers' } });
    expect(commitsOf(store)).toBe(1);
  });

  it('lets `when` with pure still return a promise: the request is then recorded first', async () => {
    const { engine, store } = anEngine({ approver: autoApprove(() => Promise.resolve(true), { pure: true }) });
    expect(await ask(engine)).toMatchObject({ outcome: 'granted' });
    expect(commitsOf(store)).toBe(2);
  });
});

describe('a policy', () => {
  const approving: PolicyRule = { id: 'prod', scopes: ['db-prod:*'], subjects: [{ group: 'sre' }], approve: true };
  const elsewhere: PolicyRule = { id: 'wiki', scopes: ['wiki:*'], subjects: [{ group: 'directory' }], approve: true };
  /** What the store and the group of code saw, in order. */
  function seen(rules: readonly PolicyRule[], isMember: LiveGroup['isMember'] = () => false) {
    const calls: string[] = [];
    const directory = {
      isMember: (person: string, request: Parameters<LiveGroup['isMember']>[1]) => {
        calls.push('directory');
        return isMember(person, request);
      },
    };
    const policy = definePolicy({ groups: { sre: [MAYA], dba: [SAM], directory }, rules });
    const over = (approver: Approver) => {
      const made = anEngine({ approver });
      const commit = made.store.commit.bind(made.store);
      made.store.commit = async (change) => {
        calls.push('commit');
        return commit(change);
      };
      return made;
    };
    return { calls, policy, over };
  }

  it('of lists makes one commit, alone and in a chain: an approval, a review and a denial (L16, L18)', async () => {
    const review: PolicyRule = { id: 'prod', scopes: ['db-prod:*'], review: { groups: { dba: 1 } } };
    for (const [rule, outcome] of [
      [approving, 'granted'],
      [review, 'pending'],
      [{ id: 'frozen', scopes: ['**'], deny: 'a freeze' }, 'denied'],
    ] as const) {
      // The group of code is in a rule for other scopes, which this request does not ask.
      const { policy, over, calls } = seen([rule, elsewhere]);
      for (const approver of [policy, firstDecisive(policy, denyAll())]) {
        calls.length = 0;
        expect(await ask(over(approver).engine)).toMatchObject({ outcome, request: { rule: rule.id } });
        expect(calls).toEqual(['commit']);
      }
    }
  });

  const asking: readonly (readonly [string, PolicyRule])[] = [
    ['the subjects', { ...approving, id: 'live', subjects: [{ group: 'directory' }] }],
    ['the requesters', { ...approving, id: 'live', requesters: [{ group: 'directory' }] }],
    ['the subjects of a deny rule', { id: 'no', scopes: ['*:write'], subjects: [{ group: 'directory' }], deny: 'left' }],
  ];
  for (const [where, rule] of asking) {
    it(`with a group of code in ${where} asks it to decide only about the recorded request (L16)`, async () => {
      const { policy, over, calls } = seen([rule, approving], () => true);
      for (const approver of [policy, firstDecisive(policy, denyAll())]) {
        calls.length = 0;
        await ask(over(approver).engine);
        // First the eligibility, then the decision.
        expect(calls).toEqual(['directory', 'commit', 'directory', 'commit']);
      }
    });
  }

  it('with a hostile group of code does not call it to decide before the record (L16, L30)', async () => {
    const request = { ...(await ask(anEngine().engine)).request, approver: undefined };
    for (const answer of [
      () => raise(new Error('down')),
      () => 'yes',
      () => ({ then: () => undefined }),
      () => Promise.reject(new Error('x')),
    ]) {
      const { policy, over, calls } = seen([{ ...approving, subjects: [{ group: 'directory' }] }], answer as never);
      const context = { at: request.createdAt, scopes: patternScopes, canonicalId: undefined };
      expect(policy.decidesAtOnce?.(request, context)).toBe(false);
      expect(calls).toEqual([]);
      // Says yes to eligibility without the group, so that the request is recorded. It inherits the promise.
      const approver = Object.create(policy, { isEligible: { value: () => true } }) as Approver;
      const { engine, store } = over(approver);
      ask(engine).catch(() => undefined);
      await until(() => calls.includes('directory'));
      expect(calls).toEqual(['commit', 'directory']);
      expect(await typesOf(store)).toEqual(['request.created']);
    }
  });

  it('does not declare it for a custom matcher: that is code of the application', async () => {
    const { policy } = seen([approving]);
    const { request } = await ask(anEngine().engine);
    const context = { at: request.createdAt, scopes: patternScopes, canonicalId: undefined };
    const own = { name: 'own', exact: false, covers: (a: string, b: string) => a === b, overlaps: (a: string, b: string) => a === b };
    expect(policy.decidesAtOnce?.(request, context)).toBe(true);
    expect(policy.decidesAtOnce?.(request, { ...context, scopes: own })).toBe(false);
  });
});

function raise(error: Error): never {
  throw error;
}

/** Lets the event loop turn until a condition holds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 1_000 && !holds(); turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(holds()).toBe(true);
}

describe('an approver that replaces the decide of one that decides at once', () => {
  const built: readonly (readonly [string, Approver])[] = [
    ['reviewers()', reviewers({ members: [SAM, ANA] })],
    ['denyAll()', denyAll()],
    ['a pure autoApprove()', autoApprove(() => true, { pure: true })],
    ['a chain', firstDecisive(reviewers({ members: [SAM, ANA] }))],
    ['a policy', definePolicy({ rules: [{ id: 'all', scopes: ['**'], approve: true }] })],
  ];
  const wraps: readonly (readonly [string, (inner: Approver, decide: Approver['decide']) => Approver])[] = [
    ['a spread', (inner, decide) => ({ ...inner, decide })],
    [
      'a proxy',
      (inner, decide) =>
        new Proxy({ ...inner, decidesAtOnce: inner.decidesAtOnce?.bind(inner) } as Approver, {
          get: (target, name) => (name === 'decide' ? decide : (Reflect.get(target, name) as unknown)),
        }),
    ],
    ['an own method', (inner, decide) => Object.create(inner, { decide: { value: decide } }) as Approver],
  ];
  it.each(built.flatMap(([of, inner]) => wraps.map(([how, wrap]) => [how, of, inner, wrap] as const)))(
    '%s over %s is asked once, about the recorded request, and not about a repeat (L16)',
    async (_how, _of, inner, wrap) => {
      const posts: string[] = [];
      const decide: Approver['decide'] = async (request, context) => {
        posts.push(request.id);
        return inner.decide(request, context);
      };
      for (const approver of [wrap(inner, decide), firstDecisive(wrap(inner, decide))]) {
        posts.length = 0;
        const { engine } = anEngine({ approver });
        const { request } = await ask(engine, { idempotencyKey: 'k' });
        await ask(engine, { idempotencyKey: 'k' });
        expect(posts).toEqual([request.id]);
      }
    },
  );
});
