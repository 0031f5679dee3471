import { SingleFlight } from '../../core/single-flight.js';
import { within } from '../../core/timers.js';
import type { DueRows } from '../../kernel/due-handlers.js';
import type { Kernel } from '../../kernel/kernel.js';
import { Followers } from '../../followers/followers.js';
import { RefusalLog } from '../../kernel/refusal-log.js';
import { UseLog } from '../../kernel/use-log.js';
import { isUndecided } from '../../lifecycle/decision.js';
import { isStartDue } from '../../lifecycle/start.js';
import type { GrantUse } from '../../lifecycle/status.js';
import { workOn, workOnRequest, type Timed } from '../../lifecycle/sweep.js';
import { moment, SWEEPER } from '../../lifecycle/transition.js';
import type { AccessRequest } from '../../records/index.js';
import { Activation } from '../checks/activation.js';
import { readDue, type DueRecords } from './due-records.js';
import { sweepLocks } from '../endings/locks.js';
import { Questions, type Question } from '../requests/questions.js';
import { decideRequest } from '../requests/requests.js';
import { commitTimeWork } from './sweep-commits.js';
import { SweepTally, type SweepReport } from './sweep-report.js';

const CHUNK = 100;

/** A running pass. Its records and the approver's answers are awaited separately, because an approver may hang. */
export interface Pass {
  /** Resolves when every transition that time has caused is recorded. It waits for no approver (L38). */
  readonly ended: Promise<SweepReport>;
  /**
   * Call it after `ended` has settled. Resolves when the approver has answered the questions of this pass, or has failed, and the due
   * locks have been continued. Never rejects. `undefined`: nothing is open.
   */
  readonly answered: () => Promise<unknown> | undefined;
}

/** Records ends first, then deadlines, then other transitions caused by time. After that it asks the approver's questions. */
export class Sweep {
  readonly #kernel: Kernel;
  readonly #questions: Questions;
  readonly #passes = new Set<Promise<unknown>>();
  /** The passes of unfinished locks. */
  readonly #locks = new SingleFlight();
  #isStopped = false;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#questions = new Questions(kernel.settings.onError);
    kernel.background.track(this);
    kernel.onClose('work', () => this.#stop());
    kernel.onClose('background', () => this.idle());
  }

  /** Starts a pass. After the pass it wakes every follower, and writes the counts of refused attempts and the use of grants. @throws ClosedError */
  pass(): Pass {
    this.#kernel.refuseIfClosed();
    const { ended, answered } = this.#begin();
    const driven = ended.finally(() => {
      this.#kernel.part(Followers).wake(true);
      this.#kernel.part(RefusalLog).flush();
      this.#kernel.part(UseLog).flush();
      const { hooks } = this.#kernel.ledger.store;
      if (hooks !== undefined) this.#kernel.background.run(hooks.retry(), 'hooks');
    });
    return { ended: driven, answered };
  }

  /** A pass, and the answers to its questions, as far as they come within `limits.approverTimeout` in all. @throws ClosedError */
  async answeredPass(): Promise<SweepReport> {
    const { ended, answered } = this.pass();
    try {
      return await ended;
    } finally {
      const { clock, approverTimeoutMs } = this.#kernel.settings;
      // Neither an approver that is late nor a clock that fails here changes what was recorded.
      await within(clock, approverTimeoutMs, answered, () => new Error('late')).catch(() => undefined);
    }
  }

  #begin(): Pass {
    const questions: Question[] = [];
    const ofFeatures = this.#kernel.collectDue();
    let answered: Promise<unknown> | undefined;
    /** Runs also if the pass fails: the questions and rows found until then must not wait for the next pass. */
    const handOver = (): number => {
      ofFeatures.handOver();
      const round = this.#questions.ask(questions);
      answered = round.answered;
      return round.asked;
    };
    const ended = this.#recordDue(questions, ofFeatures).then(
      (tally) => {
        const asked = handOver();
        // Runs last, so that a row that cannot be written does not suppress a question.
        tally.reportRefusal((error) => this.#kernel.settings.onError(error, 'sweep'));
        return tally.report(asked, ofFeatures.unhandled);
      },
      (error: unknown) => {
        handOver();
        throw error;
      },
    );
    const idle: Promise<unknown> = ended.catch(() => undefined).then(() => this.#passes.delete(idle));
    this.#passes.add(idle);
    return { ended, answered: () => (this.#locks.size === 0 ? answered : Promise.all([answered, this.#locks.settled()])) };
  }

  readonly work = 'a sweep, or an approver that it asks';

  get isBusy(): boolean {
    return this.#passes.size > 0 || this.#locks.size > 0 || this.#questions.isBusy;
  }

  /** Resolves when no pass runs and no question is open. */
  async idle(): Promise<void> {
    await Promise.all(this.#passes);
    await this.#locks.settled();
    await this.#questions.idle();
  }

  /** A running pass ends after its current page. Questions that the engine has not asked yet are dropped. */
  #stop(): void {
    this.#isStopped = true;
    this.#questions.stop();
  }

  /** Records the due transitions. Collects the questions, and the due rows of features (such as provisioning), for {@link #begin}. */
  async #recordDue(questions: Question[], ofFeatures: DueRows): Promise<SweepTally> {
    const tally = new SweepTally();
    const deadlines: AccessRequest[] = [];
    const rest: GrantUse[] = [];
    const reminders: AccessRequest[] = [];
    let isLockDue = false;
    for await (const { grants, requests, locks } of this.#duePages(ofFeatures, tally)) {
      const now = moment(this.#kernel.clock, SWEEPER);
      const ended = grants.filter((use) => workOn(use, now) === 'ended');
      await commitTimeWork(this.#kernel, ended, tally);
      for (const use of grants) {
        const work = workOn(use, now);
        if (work === undefined && isStartDue(use, now)) questions.push(this.#start(use));
        else if (work !== undefined && work !== 'ended') rest.push(use);
      }
      for (const request of requests) {
        const work = workOnRequest(request, now);
        if (work !== undefined) (work === 'reminded' ? reminders : deadlines).push(request);
        else if (isUndecided(request)) questions.push(this.#decide(request));
      }
      isLockDue ||= locks;
    }
    for (const records of [deadlines, rest]) await this.#commitInChunks(records, tally);
    if (isLockDue) this.#continueLocks();
    // Last, so that a reminder delays no end of access, and no start.
    await this.#commitInChunks(reminders, tally);
    return tally;
  }

  /** The due records, page by page. It ends after the present page when the sweep stops. */
  async *#duePages(ofFeatures: DueRows, tally: SweepTally): AsyncGenerator<DueRecords, void, undefined> {
    const { ledger, clock } = this.#kernel;
    const at = clock.read().forEnds;
    const seen = new Set<string>();
    let after: string | undefined;
    do {
      // Twice the page size, because a usage row may come with each grant.
      await tally.turns.spend(2 * CHUNK);
      const page = await ledger.due({ at, limit: CHUNK, after });
      yield await readDue(this.#kernel, page.items, seen, ofFeatures, tally);
      after = page.next;
    } while (after !== undefined && !this.#isStopped);
  }

  async #commitInChunks(records: readonly Timed[], tally: SweepTally): Promise<void> {
    for (let i = 0; i < records.length; i += CHUNK) await commitTimeWork(this.#kernel, records.slice(i, i + CHUNK), tally);
  }

  #start({ grant: { id } }: GrantUse): Question {
    return { id, ask: () => this.#kernel.part(Activation).activate(id, SWEEPER) };
  }

  /** In the background, so that a lock with much left to end delays no other end, and no hanging approver delays the lock (L38). */
  #continueLocks(): void {
    const { onError } = this.#kernel.settings;
    void this.#locks.join(() => sweepLocks(this.#kernel).catch((error: unknown) => onError(error, 'lock')));
  }

  #decide({ id }: AccessRequest): Question {
    return { id, ask: () => decideRequest(this.#kernel, id) };
  }
}
