import { isJitError } from '../core/errors.js';
import { sleepUntil, whyNoLastingTimers } from '../core/timers.js';
import { TurnBudget } from '../core/turns.js';
import { isOfEarlierGrant, recordActivity, type SeenUse } from '../lifecycle/activity.js';
import { combine, moment, USE } from '../lifecycle/transition.js';
import { decodeActivity, decodeGrant, type Decision } from '../records/index.js';
import type { Kernel } from './kernel.js';
import { mostInChange } from './ledger/fits-change.js';

/** How long uses are collected before they are written, so that a first use is recorded within a minute. */
const COLLECT_MS = 30_000;
/** How many grants one change records. */
const CHUNK = 100;
/** The most grants kept at a time. Uses of further grants are not counted until a write makes room. */
const MAX_GRANTS = 10_000;

/** A grant that checks have used. */
interface UsedGrant {
  firstAt: number;
  lastAt: number;
  /** The number of checks that no record contains yet. */
  count: number;
  /** The instant from which they may be written. */
  dueAt: number;
}

/**
 * Records which grants the checks of this engine use (option `recordUse`): in the background, many grants in one change, so that
 * no check waits for it. The record is a lower bound. Uses that are not written yet are lost in a crash, and those of a grant
 * that a purge has removed, or whose row other processes keep changing, are dropped.
 */
export class UseLog {
  readonly #kernel: Kernel;
  readonly #everyMs: number;
  readonly #used = new Map<string, UsedGrant>();
  #isWriting = false;
  #timer: AbortController | undefined;
  /** Whether timers outlive the call that sets them. Determined at the first use, because timers may not be set at module scope. */
  #timersLast: boolean | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#everyMs = kernel.settings.recordUse.everyMs;
    kernel.onClose('background', () => this.#close());
  }

  /** Counts a check that a grant allowed. Never throws, and changes no answer. */
  note({ reason, grant, at }: Decision): void {
    if (reason !== 'granted' || grant === undefined) return;
    const known = this.#used.get(grant.id);
    if (known === undefined && this.#used.size >= MAX_GRANTS) return;
    const used = known ?? { firstAt: at, lastAt: at, count: 0, dueAt: at };
    if (known === undefined) this.#used.set(grant.id, used);
    add(used, { firstAt: at, lastAt: at, count: 1 });
    this.#timersLast ??= this.#kernel.clock.source.sleep !== undefined || whyNoLastingTimers() === undefined;
    if (this.#timersLast) this.#wait(at);
    else if (at >= used.dueAt) this.flush();
  }

  /** Starts writing the uses that are due. Never throws. @returns false: the clock failed */
  flush(): boolean {
    if (this.#isWriting || this.#used.size === 0) return true;
    try {
      const due = this.#takeDue(this.#kernel.clock.read().now);
      if (due.length === 0) return true;
      this.#isWriting = true;
      const written = this.#write(due).finally(() => this.#written());
      this.#kernel.background.run(written, 'recordUse');
    } catch (error) {
      this.#kernel.settings.onError(error, 'recordUse');
      return false;
    }
    return true;
  }

  /** Uses that arrived during the write, or came too late for it, still have to be written. */
  #written(): void {
    this.#isWriting = false;
    if (this.#kernel.isClosed) this.flush();
    else if (this.#timersLast === true && this.#hasUnwritten()) this.#wait(this.#kernel.clock.highWater);
  }

  #close(): void {
    this.#timer?.abort();
    this.flush();
  }

  #hasUnwritten(): boolean {
    return [...this.#used.values()].some(({ count }) => count > 0);
  }

  /** Flushes after {@link COLLECT_MS}, unless a timer runs already. If the clock's `sleep` fails, the next use or sweep flushes. */
  #wait(now: number): void {
    if (this.#timer !== undefined || this.#kernel.isClosed) return;
    const timer = (this.#timer = new AbortController());
    const woken = (): void => {
      this.#timer = undefined;
      // A clock that fails would end the next sleep at once.
      if (timer.signal.aborted || !this.flush()) return;
      if (!this.#isWriting && this.#hasUnwritten()) this.#wait(this.#kernel.clock.highWater);
    };
    const failed = (error: unknown): void => {
      this.#timer = undefined;
      this.#kernel.settings.onError(error, 'recordUse');
    };
    void sleepUntil(this.#kernel.clock.source, now + COLLECT_MS, timer.signal, true).then(woken, failed);
  }

  /** The uses that are due, which then count as written. Forgets grants with nothing to write. */
  #takeDue(now: number): readonly SeenUse[] {
    const due: SeenUse[] = [];
    const isFull = this.#used.size >= MAX_GRANTS;
    for (const [grantId, used] of this.#used) {
      // Compares the distance too, so that a clock that stepped back delays no write for long.
      const isDue = now >= used.dueAt || used.dueAt - now > this.#everyMs;
      if (used.count === 0 && (isDue || isFull)) this.#used.delete(grantId);
      if (used.count === 0 || !isDue) continue;
      due.push({ grantId, firstAt: used.firstAt, lastAt: used.lastAt, count: used.count });
      used.count = 0;
      used.dueAt = now + this.#everyMs;
    }
    return due;
  }

  /**
   * Writes many grants in one change. If that conflicts, it halves the change, so that a busy grant delays only itself. The use of
   * one grant is dropped if it conflicts twice.
   *
   * @throws the error of a write: the uses that are certainly not written are kept for a later write
   */
  async #write(due: readonly SeenUse[]): Promise<void> {
    const turns = new TurnBudget();
    const left: Part[] = [];
    const chunk = mostInChange(this.#kernel.ledger.store, CHUNK);
    for (let i = 0; i < due.length; i += chunk) left.push({ uses: due.slice(i, i + chunk), isRepeat: false });
    for (let part = left.shift(); part !== undefined; part = left.shift()) {
      try {
        if (!(await this.#commit(part.uses, turns))) left.unshift(...partsAfterConflict(part));
      } catch (error) {
        const isOpen = isJitError(error) && error.code === 'ERR_JIT_OUTCOME_UNKNOWN';
        for (const { uses } of isOpen ? left : [part, ...left]) for (const seen of uses) this.#keep(seen, COLLECT_MS);
        throw error;
      }
    }
  }

  /** @returns false: another caller's commit was first */
  async #commit(uses: readonly SeenUse[], turns: TurnBudget): Promise<boolean> {
    const { ledger, clock, settings } = this.#kernel;
    await turns.spend(2 * uses.length);
    const keys = uses.flatMap(({ grantId: id }) => [
      { kind: 'grant', id },
      { kind: 'activity', id },
    ]);
    const rows = await ledger.rows(keys);
    const now = moment(clock, USE);
    const early: { readonly seen: SeenUse; readonly ms: number }[] = [];
    const steps = uses.flatMap((seen, i) => {
      const [grantRow, activityRow] = [rows[2 * i], rows[2 * i + 1]];
      const [grant] = grantRow === undefined ? [] : settings.decodeAll([grantRow], decodeGrant);
      const [before] = activityRow === undefined ? [] : settings.decodeAll([activityRow], decodeActivity);
      // A purge has removed the grant, or a row is unreadable.
      if (grant === undefined || isOfEarlierGrant(seen, grant) || (activityRow !== undefined && before === undefined)) return [];
      const step = recordActivity(grant, before, seen, this.#everyMs, now);
      if (step.put.length === 0) early.push({ seen, ms: step.result - now.now });
      return [step];
    });
    await turns.spend(2 * uses.length);
    if (!(await ledger.commit(combine(undefined, steps)))) return false;
    for (const { seen, ms } of early) this.#keep(seen, ms);
    return true;
  }

  /** Keeps uses that were not written, for a write after `ms`. */
  #keep({ grantId, ...seen }: SeenUse, ms: number): void {
    const used = this.#used.get(grantId);
    // After `close`, no later write comes.
    if (used === undefined || this.#kernel.isClosed) return;
    add(used, seen);
    used.dueAt = this.#kernel.clock.highWater + ms;
  }
}

/** Uses that one change records. */
interface Part {
  readonly uses: readonly SeenUse[];
  /** Whether the change has one grant, and has conflicted once. */
  readonly isRepeat: boolean;
}

function partsAfterConflict({ uses, isRepeat }: Part): readonly Part[] {
  if (uses.length === 1) return isRepeat ? [] : [{ uses, isRepeat: true }];
  const half = uses.length >> 1;
  return [uses.slice(0, half), uses.slice(half)].map((part) => ({ uses: part, isRepeat: false }));
}

function add(used: UsedGrant, { firstAt, lastAt, count }: Omit<SeenUse, 'grantId'>): void {
  used.firstAt = used.count === 0 ? firstAt : Math.min(used.firstAt, firstAt);
  used.lastAt = used.count === 0 ? lastAt : Math.max(used.lastAt, lastAt);
  used.count += count;
}
