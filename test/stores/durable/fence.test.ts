import { createChecker } from 'jit-access/check';
import { isJitError, JitEngine, type AnyJitError, type GrantStore } from 'jit-access';
import type { Change, CommitAnswer } from 'jit-access/store';
import { FaultyStore } from 'jit-access/testing';
import { createView } from 'jit-access/view';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { engineOptions } from './door.js';
import { entriesIn, fence } from './fence.js';
import { KINDS, openStore, type Opened } from './place.js';
import { isAvailable, startDurable, type Durable } from './servers.js';
import { Worker } from './workers.js';

const TO = 'a new place';
const SCOPE = 'db:write';
const HOLDERS = Array.from({ length: 40 }, (_, i) => `user:holder-${i}`);
/** Holds access that is never revoked. */
const KEPT = 'user:kept';
/** Changes of the other processes before the move. */
const LEAST_ACKS = 60;
const BY = { by: 'user:root' };
const now = (subject: string) => ({ subject, scope: SCOPE, ttl: '15m', justification: 'now' }) as const;

const refusalOf = async (call: () => Promise<unknown>): Promise<AnyJitError> => {
  try {
    throw new Error(`it resolved to ${JSON.stringify(await call())}`);
  } catch (error) {
    if (!isJitError(error)) throw error;
    return error;
  }
};

/** Its next commit of a revoke after `arm` loses its reply, and the namespace moves before the one after it. */
class MovesAfterCommit extends FaultyStore {
  readonly #isApplied: boolean;
  readonly #move: () => Promise<unknown>;
  #isArmed = false;

  constructor(inner: GrantStore, isApplied: boolean, move: () => Promise<unknown>) {
    super(inner);
    this.#isApplied = isApplied;
    this.#move = move;
  }

  arm(): void {
    this.#isArmed = true;
  }

  override async commit(change: Change): Promise<CommitAnswer> {
    // The engine also commits rows of its own, in the background.
    if (!this.#isArmed || !change.append.some(({ type }) => type === 'grant.revoked')) return super.commit(change);
    this.#isArmed = false;
    if (this.#isApplied) await super.commit(change);
    await this.#move();
    throw new Error('the reply was lost');
  }
}

describe.each(KINDS.filter((kind) => isAvailable(kind)))('a namespace that has moved to another store, on %s', (kind) => {
  let durable: Durable;
  beforeAll(async () => {
    durable = await startDurable(kind);
  });
  afterAll(() => durable.stop());

  const opened: Opened[] = [];
  const started: Worker[] = [];
  /** The store of a process of its own. */
  const openOwn = async (namespace: string): Promise<GrantStore> => {
    const own = await openStore(durable.place, { namespace });
    opened.push(own);
    return own.store;
  };
  const engineOn = async (namespace: string) =>
    new JitEngine({ ...engineOptions(), store: await openOwn(namespace), onError: () => undefined });
  afterEach(async () => {
    for (const worker of started.splice(0)) await worker.kill();
    for (const { close } of opened.splice(0)) await close();
  });

  it('L41 ends in each process that checks, views, revokes and asks, and nothing is written after it', async () => {
    const namespace = durable.namespace();
    const [asking, revoking] = [await engineOn(namespace), await engineOn(namespace)];
    const grants = new Map<string, string>();
    for (const subject of [KEPT, ...HOLDERS]) {
      const result = await asking.requestAccess(now(subject));
      if (result.outcome === 'granted') grants.set(subject, result.grants[0]?.id ?? '');
    }
    const checker = createChecker({ store: await openOwn(namespace) });
    const view = createView({ store: await openOwn(namespace) });
    await view.refresh();
    expect([await checker.isAllowed(KEPT, SCOPE), view.isAllowed(KEPT, SCOPE)]).toEqual([true, true]);

    const workers = await Worker.startMany(2, { place: durable.place, namespace });
    started.push(...workers);
    let acks = 0;
    const churning = workers.map((worker, i) => {
      worker.onAck = () => (acks += 1);
      return worker.order({ do: 'churn', seed: i, name: `w${i}`, lanes: 4 }).then(String, String);
    });
    let isMoved = false;
    const late: string[] = [];
    const checks = async (): Promise<void> => {
      for (let i = 0, after = 0; after < 100; i++) {
        const subject = i % 2 === 0 ? KEPT : (HOLDERS[i % HOLDERS.length] ?? '');
        const begunAfter = isMoved;
        if ((await checker.isAllowed(subject, SCOPE)) && begunAfter) late.push(subject);
        if (begunAfter) after += 1;
        // A check of SQLite answers at once, and the other calls need the event loop.
        await new Promise(setImmediate);
      }
    };
    /** Calls until the first refusal. @returns it, and how many calls have resolved */
    const untilRefused = async (call: (i: number) => Promise<unknown>) => {
      for (let i = 0; ; i++) {
        try {
          await call(i);
        } catch (error) {
          return { error, resolved: i };
        }
      }
    };
    const open = [...HOLDERS];
    const revokes = untilRefused(async (i) => {
      const subject = open.shift();
      const id = grants.get(subject ?? '') ?? `${(await revoking.requestAccess(now(`user:more-${i}`))).request.id}.1`;
      await revoking.revoke(id, BY);
    });
    const asks = untilRefused((i) =>
      asking.requestAccess({ subject: `user:new-${i}`, scope: 'db:read', ttl: '15m', justification: 'review' }),
    );
    const checking = checks();
    while (acks < LEAST_ACKS) await new Promise((resolve) => setTimeout(resolve, 5));

    const head = await fence(durable.place, namespace, TO);
    isMoved = true;
    const [revoked, asked] = [await revokes, await asks];
    await checking;
    expect(late).toEqual([]);
    // A lock refuses an ask that reads it before the commit.
    for (const { error } of [revoked, asked]) expect(['ERR_JIT_MOVED', 'ERR_JIT_LOCKED']).toContain((error as AnyJitError).code);
    expect(await refusalOf(() => revoking.revoke(grants.get(KEPT) ?? '', BY))).toMatchObject({ code: 'ERR_JIT_MOVED', to: TO, namespace });
    expect([revoked.resolved, asked.resolved].every((count) => count > 0)).toBe(true);
    for (const end of await Promise.all(churning)) expect(end).toMatch(/has moved to a new place|is locked|\(locked\)/);

    expect(await refusalOf(() => view.refresh())).toMatchObject({ code: 'ERR_JIT_MOVED', to: TO });
    expect(view.check(KEPT, SCOPE)).toMatchObject({ allowed: false, reason: 'stale_view' });
    expect(await asking.check(KEPT, SCOPE)).toMatchObject({ allowed: false, reason: 'locked' });

    // Processes that start now.
    const [engine, store] = [await engineOn(namespace), await openOwn(namespace)];
    const newView = createView({ store });
    expect(await refusalOf(() => newView.refresh())).toMatchObject({ code: 'ERR_JIT_MOVED' });
    expect([
      await engine.isAllowed(KEPT, SCOPE),
      await createChecker({ store }).isAllowed(KEPT, SCOPE),
      newView.isAllowed(KEPT, SCOPE),
    ]).toEqual([false, false, false]);
    expect(await refusalOf(() => engine.revoke(grants.get(KEPT) ?? '', BY))).toMatchObject({ code: 'ERR_JIT_MOVED' });
    expect(await refusalOf(() => store.journal({ after: 0, limit: 1 }))).toMatchObject({ code: 'ERR_JIT_MOVED', to: TO });
    const other = durable.namespace();
    expect(await store.heads?.([namespace, other])).toEqual([undefined, { seq: 0, hash: '0'.repeat(64) }]);
    await (await engineOn(other)).requestAccess(now(KEPT));

    expect(await entriesIn(durable.place, namespace)).toEqual([head, head]);
    for (const one of [asking, revoking, engine]) await one.close();
    for (const one of [view, newView]) one.close();
  });

  it.each([true, false])('L31 L41 leaves a change unknown whose reply was lost before the move, applied: %s', async (isApplied) => {
    const namespace = durable.namespace();
    const store = await openOwn(namespace);
    const losing = new MovesAfterCommit(store, isApplied, () => fence(durable.place, namespace, TO));
    const engine = new JitEngine({ ...engineOptions(), store: losing, onError: () => undefined });
    const result = await engine.requestAccess(now('user:maya'));
    losing.arm();
    const error = await refusalOf(() => engine.revoke(`${result.request.id}.1`, BY));
    expect(error).toMatchObject({ code: 'ERR_JIT_OUTCOME_UNKNOWN', cause: { code: 'ERR_JIT_MOVED', to: TO } });
    expect(await engine.isAllowed('user:maya', SCOPE)).toBe(false);
    await engine.close();
  });
});
