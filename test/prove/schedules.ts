import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { isJitError, JitEngine, MemoryGrantStore, type Approver, type AuditEntry, type GrantStore } from '../../src/index.js';
import { replay, verifyJournal } from '../../src/journal.js';
import { decodeGrant, decodeRequest, decodeUsage } from '../../src/records/index.js';
import type { ContextQuery } from '../../src/store.js';
import { scaled, type Proof } from './proof.js';

const [MAYA, ANA, LEE, SCOPE, OTHER] = ['user:maya', 'user:ana', 'user:lee', 'a:x', 'c:1'];
const START = 1_767_225_600_000;

/** Decides at once, except `later`. */
const approver: Approver = {
  name: 'two',
  decide: ({ justification }) =>
    justification === 'auto' || justification === 'later'
      ? { outcome: 'approve', terms: { maxUses: 1 } }
      : { outcome: 'review', quorum: { groups: [{ name: 'ops', approvals: justification === 'two' ? 2 : 1 }] } },
  decidesAtOnce: ({ justification }) => justification !== 'later',
  groupsOf: (reviewer) => (reviewer === ANA || reviewer === LEE ? ['ops'] : []),
};

/** Where a store's call waits until it is released: before the call, and again after it. */
export type Gate = (label: string) => Promise<unknown>;

/**
 * A store that waits at every call until the gate releases it.
 *
 * @param hasContext whether an engine over it reads by `context`, or by `get`, `live` and `find`
 */
function gated(inner: MemoryGrantStore, gate: Gate, hasContext: boolean): GrantStore {
  const through = async <Answer>(label: string, call: () => Answer | Promise<Answer>): Promise<Answer> => {
    await gate(label);
    const answer = await call();
    await gate(`${label} answers`);
    return answer;
  };
  return {
    namespace: inner.namespace,
    durability: inner.durability,
    in: (namespace) => gated(inner.in(namespace), gate, hasContext),
    get: (keys) => through('get', () => inner.get(keys)),
    live: (query) => through('live', () => inner.live(query)),
    find: (query) => through('find', () => inner.find(query)),
    ...(hasContext && { context: (query: ContextQuery) => through('context', () => inner.context(query)) }),
    due: (query) => through('due', () => inner.due(query)),
    commit: (change) => through('commit', () => inner.commit(change)),
    journal: (query) => through('journal', () => inner.journal(query)),
  };
}

/** The records at the start: a request that one approval completes, one that needs two, and a grant with one use. */
interface Scene {
  readonly engines: readonly [JitEngine, JitEngine];
  readonly one: string;
  readonly two: string;
  readonly grant: string;
}

/** The concurrent verbs; two or three of these. */
const ACTS = {
  'ana approves': ({ engines, one }: Scene) => engines[0].approve(one, { by: ANA }),
  'lee approves': ({ engines, one }: Scene) => engines[1].approve(one, { by: LEE }),
  'lee denies': ({ engines, one }: Scene) => engines[1].deny(one, { by: LEE }),
  'maya cancels': ({ engines, one }: Scene) => engines[0].cancel(one, { by: MAYA }),
  'ana approves of two': ({ engines, two }: Scene) => engines[0].approve(two, { by: ANA }),
  'lee approves of two': ({ engines, two }: Scene) => engines[1].approve(two, { by: LEE }),
  revoke: ({ engines, grant }: Scene) => engines[1].revoke(grant, { by: 'user:ciso' }),
  release: ({ engines, grant }: Scene) => engines[0].release(grant, { by: MAYA }),
  extend: ({ engines, grant }: Scene) => engines[0].extend(grant, { requestedBy: MAYA, ttl: '1s', justification: 'auto' }),
  consume: ({ engines }: Scene) => engines[0].consume(MAYA, SCOPE),
  'consume again': ({ engines }: Scene) => engines[1].consume(MAYA, SCOPE),
  'revoke all': ({ engines }: Scene) => engines[1].revokeAll({ subject: MAYA }, { by: 'user:ciso' }),
  ask: ({ engines }: Scene) =>
    engines[0].requestAccess({ subject: 'user:bob', scope: SCOPE, ttl: '1s', justification: 'auto', idempotencyKey: 'k' }),
  'ask again': ({ engines }: Scene) =>
    engines[1].requestAccess({ subject: 'user:bob', scope: SCOPE, ttl: '1s', justification: 'auto', idempotencyKey: 'k' }),
  'ask for another scope': ({ engines }: Scene) =>
    engines[0].requestAccess({ subject: 'user:bob', scope: OTHER, ttl: '1s', justification: 'later' }),
  sweep: ({ engines }: Scene) => engines[0].sweep(),
} as const;
export type Act = keyof typeof ACTS;
const acts = Object.keys(ACTS) as readonly Act[];

/**
 * Runs several verbs concurrently over one store and two engines, and checks the result.
 *
 * @param gate decides which of the waiting calls continues
 * @param drive releases calls until the work is done
 * @param release releases the remaining calls: those of background work
 */
async function race(
  chosen: readonly Act[],
  gate: Gate,
  drive: (work: Promise<unknown>) => Promise<unknown>,
  release: () => Promise<unknown>,
): Promise<void> {
  let isOpen = true;
  const inner = new MemoryGrantStore();
  const storeWith = (hasContext: boolean) => gated(inner, (label) => (isOpen ? Promise.resolve() : gate(label)), hasContext);
  const options = { approver, clock: { now: () => START }, onError: () => undefined };
  const engines = [new JitEngine({ ...options, store: storeWith(true) }), new JitEngine({ ...options, store: storeWith(false) })] as const;
  const ask = async (scope: string, justification: string) => {
    const { request } = await engines[0].requestAccess({ subject: MAYA, scope, ttl: '1s', justification });
    return request.id;
  };
  const [one, two, granted] = [await ask('b:1', 'one'), await ask('b:2', 'two'), await ask(SCOPE, 'auto')];
  const scene: Scene = { engines, one, two, grant: `${granted}.1` };
  isOpen = false;
  const ended = new Set<Act>();
  const work = Promise.all(
    chosen.map(async (act) => {
      try {
        await ACTS[act](scene);
        ended.add(act);
      } catch (error) {
        if (!isJitError(error) || !/_(DECIDED|ENDED|DENIED|LIMIT|REQUIREMENTS|CONFLICT|UNDECIDED)$/.test(error.code)) throw error;
      }
    }),
  );
  await drive(work);
  isOpen = true;
  await release();
  await Promise.all(engines.map((engine) => engine.flushAudit()));
  const entries = (await inner.journal({ after: 0, limit: 1_000 })).entries;
  // L12: once a revoke has resolved, neither the grant nor an extension of it is held.
  const isRevoked = ended.has('revoke') || ended.has('release') || ended.has('revoke all');
  for (const engine of engines) if (isRevoked && (await engine.isAllowed(MAYA, SCOPE))) throw new Error('revoked, and yet allowed');
  if (isRevoked && (await engines[1].status(MAYA)).scheduled.some((grant) => grant.scope === SCOPE))
    throw new Error('revoked, and yet it goes on');
  expectOnce(entries);
  // L25 L26: not by verifyStore, which yields between its reads: that takes long with so many worlds.
  const verified = await verifyJournal(entries);
  if (!verified.ok) throw new Error(`entry ${verified.seq} ${verified.problem}`);
  const { requests, grants, usages } = await replay(entries);
  const rows = async (kind: string) => (await inner.find({ kind, limit: 1_000 })).items;
  const stored = [
    (await rows('request')).map(decodeRequest),
    (await rows('grant')).map(decodeGrant),
    (await rows('usage')).map(decodeUsage),
  ];
  const said = [requests, grants, usages].map((records) => [...records.values()].sort((a, b) => (a.id < b.id ? -1 : 1)));
  if (!isDeepStrictEqual(said, stored)) throw new Error(`the journal says ${JSON.stringify(said)}, the rows ${JSON.stringify(stored)}`);
}

/** L8 L9 L10 L11: one end for each record, one grant for each approved scope, one request for a key, one use of a single use. */
function expectOnce(entries: readonly AuditEntry[]): void {
  const ends = new Map<string, number>();
  const issued = new Map<string, number>();
  const approved = new Set<string>();
  let [asked, used] = [0, 0];
  for (const { type, requestId = '', grantId, data } of entries) {
    if (/^request\.(approved|denied|cancelled|expired)$|^grant\.(expired|revoked)$/.test(type)) {
      ends.set(grantId ?? requestId, (ends.get(grantId ?? requestId) ?? 0) + 1);
    }
    if (type === 'request.approved') approved.add(requestId);
    if (type === 'grant.issued') issued.set(requestId, (issued.get(requestId) ?? 0) + 1);
    if (type === 'request.created' && data['subject'] === 'user:bob' && isDeepStrictEqual(data['scopes'], [SCOPE])) asked += 1;
    if (type === 'grant.used') used += 1;
  }
  for (const [id, times] of ends) if (times !== 1) throw new Error(`${id} ended ${times} times`);
  for (const [id, grants] of issued) if (grants !== 1 || !approved.has(id)) throw new Error(`${id} has ${grants} grants`);
  for (const id of approved) if (issued.get(id) === undefined) throw new Error(`${id} was approved and gave nothing`);
  if (asked > 1 || used > 1) throw new Error(`${asked} requests for one key, ${used} uses of one`);
}

/** Two or three of the concurrent verbs, in a random order. */
const drawn = (onRun: () => void) =>
  fc.asyncProperty(fc.scheduler(), fc.shuffledSubarray([...acts], { minLength: 2, maxLength: 3 }), async (scheduler, chosen) => {
    onRun();
    await race(
      chosen,
      (label) => scheduler.schedule(Promise.resolve(), label),
      (work) => scheduler.waitFor(work),
      () => scheduler.waitIdle(),
    );
  });

export const schedules: Proof = {
  name: 'schedules',
  laws: ['L8', 'L9', 'L10', 'L11', 'L12', 'L25'],
  what: "two or three verbs at once from two engines, in orders that fast-check's scheduler draws at every await of the store",
  async run({ seed, scale, progress }) {
    let count = 0;
    const property = drawn(() => {
      if (++count % 1_000 === 0) progress?.(`${count} schedules`);
    });
    const details = await fc.check(property, { seed: seed | 0, numRuns: scaled(500_000, scale) });
    return { count, unit: 'schedules', violations: details.failed ? [fc.defaultReportMessage(details) ?? 'it failed'] : [] };
  },
};

/**
 * A small world, exhaustively: at each of the first `depth` points with several waiting calls, every one of them is
 * tried; after that, the first continues.
 */
export async function explore(chosen: readonly Act[], depth: number): Promise<number> {
  let runs = 0;
  for (let prefix: number[] | undefined = []; prefix !== undefined;) {
    const taken: { readonly choice: number; readonly of: number }[] = [];
    const waiting: (() => void)[] = [];
    let done = false;
    const plan: readonly number[] = prefix;
    const drive = async (work: Promise<unknown>): Promise<unknown> => {
      const over = work.finally(() => (done = true));
      over.catch(() => undefined);
      while (!done) {
        // Every verb runs as far as it can without the store.
        for (let turn = 0; turn < 60; turn++) await Promise.resolve();
        if (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve));
        if (waiting.length === 0) continue;
        const choice = waiting.length > 1 && taken.length < depth ? (plan[taken.length] ?? 0) : 0;
        if (waiting.length > 1 && taken.length < depth) taken.push({ choice, of: waiting.length });
        waiting.splice(choice, 1)[0]?.();
      }
      return over;
    };
    try {
      await race(
        chosen,
        () => new Promise<void>((resolve) => waiting.push(resolve)),
        drive,
        async () => {
          for (const go of waiting.splice(0)) go();
        },
      );
    } catch (error) {
      throw new Error(`${chosen.join(', ')}; choices ${taken.map(({ choice }) => choice).join(' ')}`, { cause: error });
    }
    runs += 1;
    // The next order: the last choice that has an alternative left.
    const last = taken.findLastIndex(({ choice, of }) => choice + 1 < of);
    prefix = last === -1 ? undefined : [...taken.slice(0, last).map(({ choice }) => choice), (taken[last]?.choice ?? 0) + 1];
  }
  return runs;
}

/** How many choices deep every pair is explored; each pair has some twenty in all. */
const DEPTH = 8;

export const smallWorld: Proof = {
  name: 'small-world',
  laws: ['L8', 'L9', 'L10', 'L11', 'L12', 'L25'],
  what: `every pair of verbs at once from two engines, in every order to a depth of ${DEPTH} choices at the awaits of the store`,
  async run({ scale, progress }) {
    let count = 0;
    const violations: string[] = [];
    const pairs = acts.flatMap((one, i) => acts.slice(i + 1).map((other) => [one, other] as const));
    for (const pair of pairs.slice(0, scaled(pairs.length, scale))) {
      try {
        count += await explore(pair, DEPTH);
      } catch (error) {
        violations.push(`${String(error)}: ${String((error as Error).cause)}`);
      }
      progress?.(`${pair.join(' and ')}: ${count} orders`);
    }
    return { count, unit: 'orders', violations };
  },
};
