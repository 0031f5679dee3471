import { isStartDue } from '../lifecycle/start.js';
import type { GrantUse } from '../lifecycle/status.js';
import { moment, SWEEPER, type Transition } from '../lifecycle/transition.js';
import { recordTime, workOn, workOnRequest, type Timed, type TimeWork } from '../lifecycle/sweep.js';
import { isUndecided } from '../lifecycle/decision.js';
import type { Row } from '../core/store-port.js';
import {
  decodeEffect,
  decodeGrant,
  decodeRequest,
  decodeUsage,
  hasUsageRow,
  isObject,
  type AccessRequest,
  type Effect,
  type Grant,
  type Usage,
} from '../records/index.js';
import { TurnBudget, type EngineClock } from '../core/time.js';
import type { Ledger } from '../kernel/ledger.js';
import { Activation } from './activation.js';
import { Followers } from '../followers/followers.js';
import { RefusalLog } from '../kernel/refusal-log.js';
import { decideRequest } from './requests.js';
import { Questions, type Question } from './questions.js';
import type { Kernel } from '../kernel/kernel.js';

/** What one pass did. */
export interface SweepReport {
  /** Grants whose end, by time or because they were idle, was recorded. */
  readonly ended: number;
  /** Requests whose deadline had passed. */
  readonly expired: number;
  /** Scheduled grants whose start was recorded. */
  readonly started: number;
  /** Grants whose subject is to be warned of the end. */
  readonly warned: number;
  /** Requests on which another group may stand in now. */
  readonly escalated: number;
  /** Break-glass requests whose review is overdue now. */
  readonly missed: number;
  /** Questions that this pass has put to the approver again, or at a start. One that is still open from an earlier pass doesn't count. */
  readonly asked: number;
  /** Rows left alone: malformed, or changed by others all the while. */
  readonly skipped: number;
}

const CHUNK = 100;

/** So many commits refused one after another are no rows that can't be written, but a store that is out of order. */
const MAX_REFUSED = 24;

/** A pass that was started. */
export interface Pass {
  /** Resolves when ends, deadlines and all else that time has caused are recorded. It waits for no approver (L38). */
  readonly ended: Promise<SweepReport>;
  /**
   * To be called once it has ended: resolves when the approver has answered the questions of this pass, or has failed;
   * never rejects. `undefined`: none is open.
   */
  readonly answered: () => Promise<unknown> | undefined;
}

/** Records what time has ended: ends first, then deadlines, then what else time has brought, then the approver's questions. */
export class Sweep {
  readonly #ledger: Ledger;
  readonly #keeper: EngineClock;
  readonly #kernel: Kernel;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #questions: Questions;
  readonly #passes = new Set<Promise<unknown>>();
  #isStopped = false;

  constructor(kernel: Kernel) {
    this.#ledger = kernel.ledger;
    this.#keeper = kernel.clock;
    this.#kernel = kernel;
    this.#onError = kernel.settings.onError;
    this.#questions = new Questions(this.#onError);
    kernel.background.track(this);
    kernel.onClose('work', () => this.#stop());
    kernel.onClose('background', () => this.idle());
  }

  /** Starts a pass. When it has ended, every sink is tried and the counts of refused attempts are written. @throws ClosedError */
  pass(): Pass {
    this.#kernel.refuseIfClosed();
    const { ended, answered } = this.#begin();
    const driven = ended.finally(() => {
      this.#kernel.part(Followers).wake(true);
      this.#kernel.part(RefusalLog).flush();
    });
    return { ended: driven, answered };
  }

  #begin(): Pass {
    const questions: Question[] = [];
    const effects: Effect[] = [];
    let answered: Promise<unknown> | undefined;
    /** Also where the pass fails: what it has found until then is no part of the failure. */
    const handOver = (): number => {
      this.#kernel.handleDue(effects);
      const round = this.#questions.ask(questions);
      answered = round.answered;
      return round.asked;
    };
    const ended = this.#recordDue(questions, effects).then(
      (tally) => {
        const asked = handOver();
        // Last: a row that can't be written keeps no question from being asked.
        tally.tellRefused((error) => this.#onError(error, 'sweep'));
        return tally.report(asked);
      },
      (error: unknown) => {
        handOver();
        throw error;
      },
    );
    const idle: Promise<unknown> = ended.catch(() => undefined).then(() => this.#passes.delete(idle));
    this.#passes.add(idle);
    return { ended, answered: () => answered };
  }

  get isBusy(): boolean {
    return this.#passes.size > 0 || this.#questions.isBusy;
  }

  /** Resolves when no pass runs and no question is open. */
  async idle(): Promise<void> {
    await Promise.all(this.#passes);
    await this.#questions.idle();
  }

  /** A pass that runs ends after the page that it has read, and questions that have not been put yet are dropped. */
  #stop(): void {
    this.#isStopped = true;
    this.#questions.stop();
  }

  /** Records what is due. Adds to `questions` and `effects` what the pass hands over when it has ended. */
  async #recordDue(questions: Question[], effects: Effect[]): Promise<Tally> {
    const tally = new Tally();
    const deadlines: AccessRequest[] = [];
    const rest: GrantUse[] = [];
    // A grant and its usage may both be due. Of other grants nothing is kept: there may be very many.
    const seen = new Set<string>();
    const at = this.#keeper.read().forEnds;
    let after: string | undefined;
    do {
      // Grants with their usage rows, which are read and written with them.
      await tally.turns.spend(2 * CHUNK);
      const page = await this.#ledger.due({ at, limit: CHUNK, after });
      const due = await this.#read(page.items, seen, tally);
      effects.push(...due.effects);
      const now = moment(this.#keeper, SWEEPER);
      await this.#record(
        due.grants.filter((held) => workOn(held, now) === 'ended'),
        tally,
      );
      for (const held of due.grants) {
        const work = workOn(held, now);
        if (work !== undefined && work !== 'ended') rest.push(held);
        if (work === undefined && isStartDue(held, now)) questions.push(this.#start(held));
      }
      for (const request of due.requests) {
        if (workOnRequest(request, now) !== undefined) deadlines.push(request);
        else if (isUndecided(request)) questions.push({ id: request.id, ask: () => decideRequest(this.#kernel, request.id) });
      }
      after = page.next;
    } while (after !== undefined && !this.#isStopped);
    for (const records of [deadlines, rest]) {
      for (let i = 0; i < records.length; i += CHUNK) {
        const chunk = records.slice(i, i + CHUNK);
        await this.#record(chunk, tally);
      }
    }
    return tally;
  }

  #start({ grant: { id } }: GrantUse): Question {
    return { id, ask: () => this.#kernel.part(Activation).activate(id, SWEEPER) };
  }

  /** What is due: the grants with how they have been used, whichever of the two rows it was, and the requests. */
  async #read(rows: readonly Row[], seen: Set<string>, tally: Tally) {
    const requests: AccessRequest[] = [];
    const effects: Effect[] = [];
    const ids: string[] = [];
    for (const row of rows) {
      const record = this.#decode(row);
      if (record === undefined) tally.skipped += 1;
      else if (record.kind === 'request') requests.push(record);
      else if (record.kind === 'effect') effects.push(record);
      else if (record.kind === 'grant' && !hasUsageRow(record)) ids.push(record.id);
      else if (!seen.has(record.id)) {
        seen.add(record.id);
        ids.push(record.id);
      }
    }
    return { grants: await this.#ledger.grantsWithUsage(ids), requests, effects };
  }

  #decode(row: Row): AccessRequest | Grant | Usage | Effect | undefined {
    try {
      switch (isObject(row) ? row.kind : undefined) {
        case 'grant':
          return decodeGrant(row);
        case 'usage':
          return decodeUsage(row);
        case 'effect':
          return decodeEffect(row);
        default:
          return decodeRequest(row);
      }
    } catch (error) {
      this.#onError(error, 'sweep');
      return undefined;
    }
  }

  /** Records a chunk, and counts what of it there was nothing to record about: others were faster, or never stopped changing it. */
  async #record(records: readonly Timed[], tally: Tally): Promise<void> {
    const done = await this.#recorded(records, tally);
    tally.add(done);
    tally.skipped += records.length - done.length;
  }

  /**
   * In one commit. A chunk that conflicts is reloaded, then halved, so that a busy record holds up only itself; so is one
   * that the store refuses, for a row that can't be written must hold up no other.
   */
  async #recorded(records: readonly Timed[], tally: Tally, reloaded = false): Promise<readonly TimeWork[]> {
    // Counted apart from the rows that were read: on a disk, a page and its commit take half a turn each. A few need no turn.
    await tally.turns.spend(2 * records.length);
    const step = recordTime(records, moment(this.#keeper, SWEEPER));
    const isRefused = await this.#isRefused(step, tally);
    if (isRefused === undefined) return step.result;
    if (!isRefused && !reloaded) return this.#recorded(await this.#reload(records), tally, true);
    if (records.length <= 1) return [];
    const half = records.length >> 1;
    // What can't be written stays and gathers among what is due first. So the later half goes first: if the pass has to give
    // up, it is at these, with all the rest on record.
    const later = await this.#recorded(records.slice(half), tally);
    return [...(await this.#recorded(records.slice(0, half), tally)), ...later];
  }

  /** @returns `undefined`: it was committed; false: it conflicts. @throws the store's error, where it refuses so often that it must be out of order */
  async #isRefused(step: Transition<unknown>, tally: Tally): Promise<boolean | undefined> {
    try {
      const committed = await this.#ledger.commitTransition(step);
      tally.refusedInARow = 0;
      return committed ? undefined : false;
    } catch (error) {
      tally.refuse(error);
      if (tally.refusedInARow > MAX_REFUSED) throw error;
      return true;
    }
  }

  async #reload(records: readonly Timed[]): Promise<readonly Timed[]> {
    const grants = records.flatMap((record) => ('grant' in record ? record.grant.id : []));
    const requests = records.flatMap((record) => ('grant' in record ? [] : { kind: 'request', id: record.id }));
    const rows = await this.#ledger.rows(requests);
    const reread = rows.map((row) => row && this.#decode(row)).filter((record) => record?.kind === 'request');
    return [...(await this.#ledger.grantsWithUsage(grants)), ...reread];
  }
}

/** Counts what a pass has done. */
class Tally {
  /** A store that answers at once lets nothing else run between two commits: a pass over many rows must (L42). */
  readonly turns = new TurnBudget();
  skipped = 0;
  readonly #done = new Map<TimeWork, number>();
  /** Commits that the store has refused since one that it took. */
  refusedInARow = 0;
  #refused: { readonly last: unknown } | undefined;

  refuse(error: unknown): void {
    this.#refused = { last: error };
    this.refusedInARow += 1;
  }

  /** Where nothing at all could be committed, the last refusal is the pass's own failure. */
  tellRefused(tell: (error: unknown) => void): void {
    if (this.#refused === undefined) return;
    if (this.#done.size === 0) throw this.#refused.last;
    tell(this.#refused.last);
  }

  add(works: readonly TimeWork[]): void {
    for (const work of works) this.#done.set(work, (this.#done.get(work) ?? 0) + 1);
  }

  report(asked: number): SweepReport {
    const count = (work: TimeWork) => this.#done.get(work) ?? 0;
    return {
      ended: count('ended'),
      expired: count('expired'),
      started: count('started'),
      warned: count('warned'),
      escalated: count('escalated'),
      missed: count('missed'),
      asked,
      skipped: this.skipped,
    };
  }
}
