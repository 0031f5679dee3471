import { digestOf } from '../../journal/link.js';
import { isLeased } from '../../followers/lease.js';
import { bookmark } from '../../records/bookmark.js';
import { failEffect, intendEffect, isCovered, isDue, isTold, settleEffect, type EffectKey } from '../../lifecycle/effect.js';
import { EFFECTS, moment, type Transition } from '../../lifecycle/transition.js';
import type { Row } from '../../core/store-port.js';
import { decodeEffect, type Effect } from '../../records/index.js';
import { within } from '../../core/time.js';
import type { Kernel } from '../../kernel/kernel.js';
import { covering } from './covering.js';
import type { ParsedTarget } from './options.js';
import { KeyedQueue } from './keyed-queue.js';

/** How many calls are under way at a time to one system, from one engine. */
const CALLS_AT_ONCE = 8;
/** A lease outlives the call that it is for, so that a call that is timed out is put on record by whoever made it. */
const GRACE_MS = 5_000;

/**
 * One system outside: what it is to be told, and telling it.
 *
 * The record says what it was told last. A change is intended in one commit, then told, then done in another; while it
 * is told, a lease keeps others from telling at the same time. Whoever finds an intent without its done, and no lease,
 * tells it again.
 */
export class Target {
  readonly effect: ParsedTarget;
  readonly #kernel: Kernel;
  readonly #turns = new KeyedQueue(CALLS_AT_ONCE);
  /** By id: changes told by calls that may have come in behind others' calls, until what is so has been seen to after them. */
  readonly #doubtful = new Map<string, Effect>();

  constructor(effect: ParsedTarget, kernel: Kernel) {
    this.effect = effect;
    this.#kernel = kernel;
  }

  /** Whether this is about a scope that is declared here. Others, of the same name in another process, are for that to tell. */
  knows({ name, scope }: Pick<EffectKey, 'name' | 'scope'>): boolean {
    return name === this.effect.name && this.effect.scopes.includes(scope);
  }

  keyOf(subject: string, scope: string): EffectKey {
    const { name } = this.effect;
    // A digest of a list, so that no two lists run together (L24).
    return { id: digestOf([this.#kernel.ledger.store.namespace, 'effect', name, subject, scope]), name, subject, scope };
  }

  /**
   * Puts on record what is to be told, if it is something else than what was told last, or `anew`. Access is read after
   * the record, so that of two who do this the later one decides.
   *
   * @returns the record as it is then; `undefined`: there is nothing that it was ever told
   */
  async intend(key: EffectKey, anew: (before: Effect | undefined, held: boolean) => boolean = () => false): Promise<Effect | undefined> {
    const { ledger, clock: keeper } = this.#kernel;
    let effect: Effect | undefined;
    await ledger.untilCommitted(async () => {
      effect = await this.#read(key.id);
      const live = await covering(this.#kernel, key.subject, key.scope);
      const { head } = await ledger.journal();
      const now = moment(keeper, EFFECTS);
      const held = isCovered(live, now);
      if (isTold(effect, held) && !anew(effect, held)) return true;
      // By the journal's head, so that it grows even where the record was purged in between.
      const step = intendEffect(effect, key, { held, seq: Math.max(effect?.seq ?? 0, head.seq) + 1 }, now);
      effect = step.result;
      return ledger.commitTransition(step);
    });
    return effect;
  }

  /** Tells what is to be told, where nobody else is at it. Failures are on record and told to `onError`. Never rejects. */
  tell(key: EffectKey): Promise<void> {
    return this.#turns.run(key.id, () => this.#tellAll(key).catch((error: unknown) => this.#fail(error)));
  }

  /** Sees to what a failure of the store has kept from being seen to. */
  resume(): void {
    for (const told of this.#doubtful.values()) void this.tell(told);
  }

  get isBusy(): boolean {
    return this.#turns.isBusy;
  }

  /** Resolves when no call is under way any more. */
  idle(): Promise<void> {
    return this.#turns.idle();
  }

  async #tellAll(key: EffectKey): Promise<void> {
    // Once more after each call: what the store says may have changed meanwhile.
    while (await this.#tellOnce(key));
  }

  /** @returns whether there may be more to tell */
  async #tellOnce(key: EffectKey): Promise<boolean> {
    for (const told of this.#doubtful.values()) if (told.id === key.id) await this.#assertAnew(told);
    if (!isDue(await this.intend(key), this.#kernel.clock.read())) return false;
    const lease = await this.#lease(key.id);
    // Somebody else is at it; if they don't come back, a sweep goes on after their lease.
    if (lease === undefined) return false;
    const effect = await this.#read(key.id);
    if (!isDue(effect, this.#kernel.clock.read())) {
      await this.#release(key.id, lease);
      return false;
    }
    const step = await this.#call(effect);
    this.#doubtful.set(changeId(effect), effect);
    if (await this.#record(effect, lease, step)) {
      this.#doubtful.delete(changeId(effect));
      await this.#release(key.id, lease);
    }
    return true;
  }

  /** Makes the call. @returns what is to be recorded about it */
  async #call(effect: Effect): Promise<(now: Effect) => Transition<Effect>> {
    const { apply, backoff, timeoutMs, name } = this.effect;
    const { clock: keeper } = this.#kernel;
    const { onError } = this.#kernel.settings;
    const { subject, scope, held, seq } = effect;
    const over = new AbortController();
    // What it answers is nobody's business: handed on, it could still turn out to be a promise that never settles.
    const call = Promise.resolve()
      .then(() => apply({ subject, scope, held, seq, id: changeId(effect), signal: over.signal }))
      .then(() => undefined);
    try {
      await within(
        keeper.clock,
        timeoutMs,
        () => call,
        () => new Error(`effect ${name} did not settle within ${timeoutMs} ms`),
      );
      return (current) => settleEffect(current, moment(keeper, EFFECTS));
    } catch (error) {
      const what = `${subject} ${held ? 'holds' : 'does not hold'} ${scope}`;
      onError(new Error(`effect ${name} could not be told that ${what}`, { cause: error }), `effect ${name}`);
      over.abort(error);
      // A call that comes to its end after all may have set back what was told since.
      const late = () => {
        this.#doubtful.set(changeId(effect), effect);
        return this.#assertAnew(effect).then(() => this.tell(effect));
      };
      void call.then(late, late).catch((failure: unknown) => this.#fail(failure));
      return (current) => failEffect(current, problemOf(error), backoff, moment(keeper, EFFECTS));
    }
  }

  /** Puts on record what came of a call, if it is still what is to be told. @returns whether the lease was ours all the while */
  async #record(effect: Effect, lease: number, step: (current: Effect) => Transition<Effect>): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    let isOurs = true;
    await ledger.untilCommitted(async () => {
      const current = await this.#read(effect.id);
      const row = await ledger.row('lease', effect.id);
      // And the owner: a purge may have taken the row away, and its versions begin anew.
      isOurs = row?.version === lease && row.body['owner'] === owner();
      if (!isOurs || current?.seq !== effect.seq || current.outcome !== undefined) return true;
      return ledger.commitTransition({ ...step(current), dependsOn: [{ kind: 'lease', id: effect.id, version: lease }] });
    });
    return isOurs;
  }

  /**
   * After a call of ours that others didn't wait for: it may have come in after theirs, so what they told is told again,
   * as a new change, since what has been seen already may be passed over. No record is one that says it isn't held: a
   * purge has taken it.
   */
  async #assertAnew(told: Effect): Promise<void> {
    await this.intend(told, (current) => (current?.held ?? false) !== told.held);
    this.#doubtful.delete(changeId(told));
  }

  /** @returns the lease's version; `undefined`: somebody else has it */
  async #lease(id: string): Promise<number | undefined> {
    const { ledger, clock: keeper } = this.#kernel;
    const row = await ledger.row('lease', id);
    const { now } = keeper.read();
    const longestMs = this.effect.timeoutMs + GRACE_MS;
    if (this.#isLeased(row, now, longestMs)) return undefined;
    return (await this.#putLease(id, row?.version ?? 0, now + longestMs)) ? (row?.version ?? 0) + 1 : undefined;
  }

  /** One that can't be read keeps nobody out, and is told: two calls at a time do less harm than none for ever. */
  #isLeased(row: Row | undefined, now: number, longestMs: number): boolean {
    try {
      return isLeased(row, this.#kernel.owner(), now, longestMs);
    } catch (error) {
      this.#fail(error);
      return false;
    }
  }

  /** It ends by itself as well. */
  async #release(id: string, lease: number): Promise<void> {
    await this.#putLease(id, lease, 0);
  }

  #putLease(id: string, version: number, leasedUntil: number): Promise<boolean> {
    const { ledger, owner } = this.#kernel;
    const put = [bookmark('lease', id, version + 1, { leasedUntil, owner: owner() })];
    return ledger.commitNow({ expect: [{ kind: 'lease', id, version }], put });
  }

  async #read(id: string): Promise<Effect | undefined> {
    const row = await this.#kernel.ledger.row('effect', id);
    return row && decodeEffect(row);
  }

  #fail(error: unknown): void {
    this.#kernel.settings.onError(error, `effect ${this.effect.name}`);
  }
}

/** A change's own id: the record's id stands for all of them. */
const changeId = ({ id, seq }: Effect): string => `${id}.${seq}`;

const PROBLEM = /^[\w.:-]{1,64}$/;

/** What of an error goes on record: its code or its name. Its message may hold what doesn't belong there (L29). */
function problemOf(error: unknown): string {
  const { code, name } = (typeof error === 'object' && error !== null ? error : {}) as { code?: unknown; name?: unknown };
  return [code, name].find((text): text is string => typeof text === 'string' && PROBLEM.test(text)) ?? 'Error';
}
