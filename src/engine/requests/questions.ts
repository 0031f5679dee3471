import { SingleFlight } from '../../core/single-flight.js';
import { isJitError } from '../../core/errors.js';

/** A question for the approver. */
export interface Question {
  /** The record that the question is about. A record has at most one open question. */
  readonly id: string;
  readonly ask: () => Promise<unknown>;
}

/** The greatest number of questions that wait for an answer at a time. */
const ASKS_AT_ONCE = 20;
/** The greatest number of open questions. A later pass asks the rest. */
const MAX_ASKS = 100;

/** The state of the questions of one pass. */
export interface Asked {
  readonly asked: number;
  /** Resolves when each question is answered or has failed. Never rejects. `undefined`: no question is open. */
  readonly answered: Promise<unknown> | undefined;
}

const NOTHING_ASKED: Asked = { asked: 0, answered: undefined };

/**
 * Asks the questions of sweeps in the background, so that an approver that hangs delays no pass (L38). It does not ask about
 * a record that has an open question.
 */
export class Questions {
  readonly #onError: (error: unknown, during: string) => void;
  /** By record id, the open question. It resolves when the question is answered, has failed or was dropped. */
  readonly #open = new SingleFlight();
  readonly #waiting: (() => void)[] = [];
  #asking = 0;
  #isStopped = false;
  /** The record id after which the next round continues, so that questions that always fail do not starve the others. */
  #askedUpTo = '';

  constructor(onError: (error: unknown, during: string) => void) {
    this.#onError = onError;
  }

  get isBusy(): boolean {
    return this.#open.size > 0;
  }

  /** @returns how many questions this call has opened, and a promise for all of these questions that are open */
  ask(questions: readonly Question[]): Asked {
    if (this.#isStopped) return NOTHING_ASKED;
    const news = questions.filter(({ id }) => this.#open.get(id) === undefined).sort((a, b) => (a.id < b.id ? -1 : 1));
    const first = Math.max(
      news.findIndex(({ id }) => id > this.#askedUpTo),
      0,
    );
    const round = [...news.slice(first), ...news.slice(0, first)].slice(0, Math.max(0, MAX_ASKS - this.#open.size));
    for (const question of round) void this.#open.join(() => this.#answer(question), question.id);
    this.#askedUpTo = round.at(-1)?.id ?? this.#askedUpTo;
    const open = questions.flatMap(({ id }) => this.#open.get(id) ?? []);
    return { asked: round.length, answered: open.length === 0 ? undefined : Promise.all(open) };
  }

  /** Resolves when no question is open. */
  async idle(): Promise<void> {
    while (this.#open.size > 0) await this.#open.settled();
  }

  /** Drops the questions that were not asked yet. The asked ones still get their answers. */
  stop(): void {
    this.#isStopped = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  async #answer({ ask }: Question): Promise<void> {
    if (this.#asking >= ASKS_AT_ONCE) await new Promise<void>((go) => this.#waiting.push(go));
    else this.#asking += 1;
    try {
      if (!this.#isStopped) await ask();
    } catch (error) {
      // The deadline passed before the answer was applied: that is no failure.
      if (!(isJitError(error) && error.code === 'ERR_JIT_DEADLINE')) this.#onError(error, 'sweep');
    } finally {
      // The place goes to the question that has waited longest.
      const next = this.#waiting.shift();
      if (next === undefined) this.#asking -= 1;
      else next();
    }
  }
}
