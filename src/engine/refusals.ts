import type { AnyJitError } from '../errors.js';
import type { EntryDraft } from '../lifecycle/step.js';
import { toJson } from '../records.js';

/** What was refused to whom. */
export interface Attempt {
  readonly actor: string;
  readonly requestId?: string | undefined;
  readonly grantId?: string | undefined;
  /** Scopes asked for, where there is no record yet. */
  readonly scopes?: readonly string[] | undefined;
}

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
]);

const WINDOW_MS = 60_000;
const MAX_PER_SECOND = 10;
/** More kinds of attempts than this at once, and the oldest is forgotten with its count. */
const MAX_KINDS = 1_000;

interface Kind {
  readonly attempt: Attempt;
  readonly code: string;
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

  static isRefusal(error: AnyJitError): boolean {
    return REFUSALS.has(error.code);
  }

  /** @returns the entry to write now, if any */
  note(attempt: Attempt, code: string, now: number): EntryDraft | undefined {
    const key = JSON.stringify([attempt.actor, attempt.requestId, attempt.grantId, attempt.scopes, code]);
    let kind = this.#kinds.get(key);
    if (kind === undefined) {
      const [oldest] = this.#kinds.keys();
      if (this.#kinds.size >= MAX_KINDS && oldest !== undefined) this.#kinds.delete(oldest);
      this.#kinds.set(key, (kind = { attempt, code, writtenAt: -WINDOW_MS, unwritten: 0 }));
    }
    kind.unwritten += 1;
    return this.#entryFor(kind, now);
  }

  /** The entries whose minute is over; kinds that have nothing left to say are forgotten. */
  flush(now: number): readonly EntryDraft[] {
    const entries: EntryDraft[] = [];
    for (const [key, kind] of this.#kinds) {
      const entry = kind.unwritten > 0 ? this.#entryFor(kind, now) : undefined;
      if (entry !== undefined) entries.push(entry);
      else if (kind.unwritten === 0 && Math.abs(now - kind.writtenAt) >= WINDOW_MS) this.#kinds.delete(key);
    }
    return entries;
  }

  #entryFor(kind: Kind, now: number): EntryDraft | undefined {
    // By distance, so that a clock that steps back doesn't silence anything for long.
    if (Math.abs(now - kind.writtenAt) < WINDOW_MS) return undefined;
    const second = Math.floor(now / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#writtenInSecond = 0;
    }
    if (this.#writtenInSecond >= MAX_PER_SECOND) return undefined;
    this.#writtenInSecond += 1;
    const { attempt, code, unwritten: count } = kind;
    kind.writtenAt = now;
    kind.unwritten = 0;
    return {
      type: 'attempt.refused',
      at: now,
      actor: attempt.actor,
      requestId: attempt.requestId,
      grantId: attempt.grantId,
      data: toJson({ code, count, scopes: attempt.scopes }),
    };
  }
}
