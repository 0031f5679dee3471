import type { AnyJitError } from '../errors.js';
import type { EntryDraft } from '../lifecycle/step.js';
import { toJson } from '../records.js';

/** What was refused to whom. */
export type Attempt = Pick<EntryDraft, 'actor' | 'requestId' | 'grantId'> & {
  /** What was asked for, where there is no record yet. */
  readonly scopes?: readonly string[] | undefined;
  /** It was to be had at once: somebody may want to hear of that. */
  readonly breakGlass?: true;
};

/** Codes by which a known actor is refused something; faults and bad arguments are not attempts. */
const REFUSALS: ReadonlySet<AnyJitError['code']> = new Set([
  'ERR_JIT_DECIDED',
  'ERR_JIT_DEADLINE',
  'ERR_JIT_UNDECIDED',
  'ERR_JIT_SELF_REVIEW',
  'ERR_JIT_NOT_REVIEWER',
  'ERR_JIT_INELIGIBLE',
  'ERR_JIT_IDEMPOTENCY',
  'ERR_JIT_LIMIT',
  'ERR_JIT_DENIED',
  'ERR_JIT_ENDED',
  'ERR_JIT_LINK',
]);

/** Whether somebody is refused something, and nothing has failed. */
export const isRefusal = (code: AnyJitError['code']): boolean => REFUSALS.has(code);

const WINDOW_MS = 60_000;
const MAX_PER_SECOND = 10;
/** So many different attempts are remembered; while there are more, the rest go unrecorded. */
const MAX_KINDS = 1_000;

interface Kind {
  readonly attempt: Attempt;
  readonly code: AnyJitError['code'];
  writtenAt: number;
  unwritten: number;
}

/**
 * Decides which refused attempts go on record: at most one entry for each (actor, target, code) a minute, with a count,
 * and ten a second in all, so that nobody fills the journal by being refused (L29).
 */
export class Refusals {
  readonly #kinds = new Map<string, Kind>();
  #second = 0;
  #writtenInSecond = 0;

  /** @returns the entries to write now: none where the error is no refusal, or its minute is not over */
  note(attempt: Attempt, code: AnyJitError['code'], now: number): readonly EntryDraft[] {
    if (!isRefusal(code)) return [];
    const key = JSON.stringify([attempt.actor, attempt.requestId, attempt.grantId, attempt.scopes, attempt.breakGlass, code]);
    let kind = this.#kinds.get(key);
    const told = kind === undefined && this.#kinds.size >= MAX_KINDS ? this.flush(now) : [];
    if (kind === undefined) {
      if (this.#kinds.size >= MAX_KINDS) return told;
      this.#kinds.set(key, (kind = { attempt, code, writtenAt: -WINDOW_MS, unwritten: 0 }));
    }
    kind.unwritten += 1;
    return [...told, ...this.#entries(kind, now)];
  }

  /** The entries whose minute is over; kinds that have nothing left to say are forgotten. */
  flush(now: number): readonly EntryDraft[] {
    return [...this.#kinds].flatMap(([key, kind]) => {
      if (kind.unwritten === 0 && isOver(kind, now)) this.#kinds.delete(key);
      return this.#entries(kind, now);
    });
  }

  #entries(kind: Kind, now: number): readonly EntryDraft[] {
    const { attempt, code, unwritten: count } = kind;
    if (count === 0 || !isOver(kind, now)) return [];
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) this.#writtenInSecond = 0;
    this.#second = second;
    if (this.#writtenInSecond >= MAX_PER_SECOND) return [];
    this.#writtenInSecond += 1;
    kind.writtenAt = now;
    kind.unwritten = 0;
    const { scopes, breakGlass, ...target } = attempt;
    return [{ type: 'attempt.refused', at: now, ...target, data: toJson({ code, count, scopes, breakGlass }) }];
  }
}

/** By distance, so that a clock that steps back doesn't silence anything for long. */
const isOver = (kind: Kind, now: number): boolean => Math.abs(now - kind.writtenAt) >= WINDOW_MS;
