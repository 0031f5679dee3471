import assert from 'node:assert/strict';
import { createChecker, type AccessChecker } from '../../src/check.js';
import { StoreError, type Clock, type Decision, type GrantStore, type JitEngineOptions } from '../../src/index.js';
import { createView, type CreateViewOptions, type LiveView, type ViewDecision } from '../../src/view.js';
import { Dice } from './dice.js';

const HOUR = 3_600_000;

/** The reads of a store, as another process makes them: each is answered later, and one may fail. */
class RemoteReads {
  readonly store: CreateViewOptions['store'];
  /** How many reads are answered before one fails. */
  failsAfter = Infinity;

  constructor(inner: GrantStore) {
    const ask = async <Answer>(method: string, read: () => Answer): Promise<Awaited<Answer>> => {
      if (this.failsAfter-- === 0) throw new StoreError(method, 'an injected fault');
      return await read();
    };
    this.store = {
      namespace: inner.namespace,
      durability: inner.durability,
      get: (keys) => ask('get', () => inner.get(keys)),
      live: (query) => ask('live', () => inner.live(query)),
      find: (query) => ask('find', () => inner.find(query)),
      journal: (query) => ask('journal', () => inner.journal(query)),
    };
  }
}

interface Beside {
  readonly view: LiveView;
  readonly reads: RemoteReads;
  readonly keepsIds: boolean;
}

/** A pair of subject and scope that is asked about. */
export type Asked = readonly [subject: string, scope: string];

/** Whether a check with this reason may name either of two grants, by their ids: both end, or begin, at the same instant. */
export type Tie = (reason: Decision['reason'], one: string | undefined, other: string | undefined) => boolean;

/**
 * Views of another process over the store of a life, and a checker of that process: after a refresh, they answer alike. All of them
 * have one clock object, so they share a high-water mark.
 */
export class ViewsBeside {
  readonly #now: () => number;
  readonly #views: readonly Beside[];
  readonly #checker: AccessChecker;
  /** Whether all ids have one form, and every access is by a grant. */
  readonly #isPlain: boolean;
  #dice = new Dice(0);
  #highWater: number;

  readonly #isTie: Tie;

  /**
   * @param world which options the views have, in addition to those of the engines
   * @param isTie says that a check may name either of two grants
   */
  constructor(store: GrantStore, { scopes, leewayMs }: JitEngineOptions, clock: Clock, world: number, isTie: Tie) {
    this.#isTie = isTie;
    const dice = new Dice(~world);
    this.#now = () => clock.now();
    this.#highWater = clock.now();
    this.#isPlain = !dice.once(3);
    const standing = { standing: (subject: string) => (subject.endsWith('maya') ? ['b:*'] : []), standingObeysLocks: dice.once(2) };
    const canonicalId = (id: string) => id.toLowerCase();
    const options = { scopes, leewayMs, clock, countedGrants: 'allow', ...(this.#isPlain ? {} : { ...standing, canonicalId }) } as const;
    const follow = (load: 'all' | 'asked', keep: 'ids' | 'nothing'): Beside => {
      const reads = new RemoteReads(store);
      // The clock of a life fires no sleep of more than 20 s, so no view polls.
      const view = createView({ ...options, store: reads.store, load, keep, maxStaleMs: HOUR, pollMs: HOUR / 2 });
      return { view, reads, keepsIds: keep === 'ids' };
    };
    this.#views = [follow('all', 'ids'), follow('asked', dice.once(2) ? 'nothing' : 'ids')];
    this.#checker = createChecker({ ...options, store });
  }

  /**
   * In some steps the views refresh, and are compared. So some refreshes apply the entries of one step, and some those of many.
   *
   * @param number the one that the step is derived from
   * @param isUsable whether a grant of the model allows a pair, for a process with this high-water mark
   * @returns whether they were compared
   */
  async step(number: number, asked: readonly Asked[], isUsable: (pair: Asked, highWater: number) => boolean): Promise<boolean> {
    const dice = (this.#dice = new Dice(number ^ 0x5bd1e995));
    if (!dice.once(5)) return false;
    this.#highWater = Math.max(this.#highWater, this.#now());
    for (const { view, reads } of this.#views) {
      // A view that begins again, after a purge, forgets what it was asked about: so it is asked again. The first refresh may fail
      // before the view has begun again; the second then begins, and the third loads.
      for (let refreshes = 0; refreshes < 3; refreshes++) {
        for (const [subject] of asked) view.isAllowed(subject, 'any');
        if (refreshes === 0 && dice.once(4)) reads.failsAfter = dice.roll(6);
        await view.refresh().catch((error: unknown) => assert.ok(reads.failsAfter < 0, String(error)));
        reads.failsAfter = Infinity;
      }
    }
    for (const pair of asked) await this.#compare(pair, isUsable(pair, this.#highWater));
    return true;
  }

  /** The same answers as an engine that has used the same readings. */
  compareWith(decision: Decision, highWater: number): void {
    if (highWater !== this.#highWater || !this.#isPlain) return;
    for (const { view, keepsIds } of this.#views) this.#same(view.check(decision.subject, decision.scope), decision, keepsIds);
  }

  close(): void {
    for (const { view } of this.#views) view.close();
  }

  async #compare([subject, scope]: Asked, isUsable: boolean): Promise<void> {
    const id = this.#isPlain || this.#dice.once(2) || subject.includes('/') ? subject : subject.toUpperCase();
    const checked = await this.#checker.check(id, scope);
    if (checked.reason !== 'standing') assert.equal(checked.allowed, isUsable, `a checker on ${subject} ${scope}`);
    for (const { view, keepsIds } of this.#views) {
      this.#same(view.check(id, scope), checked, keepsIds);
      // The first check may have given the pair another place in the copy.
      this.#same(view.check(id, scope), checked, keepsIds);
      assert.equal(view.isAllowed(id, scope), checked.allowed, `isAllowed of a view on ${subject} ${scope}`);
    }
  }

  #same({ grantId, ...seen }: ViewDecision, { grant, ...checked }: Decision, keepsIds: boolean): void {
    const what = `a view on ${checked.subject} ${checked.scope}`;
    assert.deepEqual(seen, checked, what);
    if ((!keepsIds && grantId === undefined) || this.#isTie(checked.reason, grantId, grant?.id)) return;
    assert.equal(grantId, grant?.id, `the grant of ${what}`);
  }
}
