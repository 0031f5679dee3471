import type { AnyJitError } from '../core/errors.js';
import { ENGINE, type EntryDraft } from '../lifecycle/transition.js';
import { toJson } from '../records/index.js';
import { WriteBudget, type Spent } from './write-budget.js';

/** A refused attempt: its actor, and the record or the scopes that it was about. */
export type Attempt = Pick<EntryDraft, 'actor' | 'requestId' | 'grantId'> & {
  /** The requested scopes, if no record exists yet. */
  readonly scopes?: readonly string[] | undefined;
  /** The attempt asked for break-glass access. Recorded, so that people can be notified of it. */
  readonly breakGlass?: true;
};

/** Why an attempt is recorded: the code of its refusal, or `dry_run`, which is no refusal. */
export type AttemptCode = AnyJitError['code'] | 'dry_run';

/** The codes that refuse a known actor. Faults and invalid arguments are not attempts. */
const REFUSALS: ReadonlySet<AttemptCode> = new Set<AttemptCode>([
  'ERR_JIT_DECIDED',
  'ERR_JIT_DEADLINE',
  'ERR_JIT_UNDECIDED',
  'ERR_JIT_SELF_REVIEW',
  'ERR_JIT_NOT_REVIEWER',
  'ERR_JIT_INELIGIBLE',
  'ERR_JIT_REQUIREMENTS',
  'ERR_JIT_LOCKED',
  'ERR_JIT_IDEMPOTENCY',
  'ERR_JIT_LIMIT',
  'ERR_JIT_DENIED',
  'ERR_JIT_ENDED',
  'ERR_JIT_LINK',
]);

/**
 * Attempts at a review that the actor may not give. The limits on kinds, on actors and on all entries reserve a part for these, so
 * that refusals of other actors never hide them. The budget of one actor has no such part.
 */
const RESERVED: ReadonlySet<AttemptCode> = new Set<AttemptCode>(['ERR_JIT_SELF_REVIEW', 'ERR_JIT_NOT_REVIEWER', 'ERR_JIT_LINK']);

/** Whether a code refuses a known actor, as opposed to a failure or an invalid argument. */
export const isRefusal = (code: AnyJitError['code']): boolean => REFUSALS.has(code);

const WINDOW_MS = 60_000;
/** The most kinds kept for each actor, separately for reserved and other codes. All further attempts of the actor share one count. */
const MAX_KINDS = 30;
/** The most scopes that an entry names. Of further scopes it gives the number. */
const MAX_SCOPES = 5;
/** The most actors kept at a time, and how many more with a reserved code. All further actors share one count. */
const MAX_ACTORS = 300;
const MORE_ACTORS = 200;

/** Attempts that share an entry: one actor, one target, one code. */
interface Kind {
  readonly attempt: Attempt;
  readonly code: AttemptCode | 'others';
  readonly isReserved: boolean;
  writtenAt: number;
  unwritten: number;
}

/** The kinds of one actor, and what they have taken from its budget. */
interface Actor {
  readonly kinds: Map<string, Kind>;
  readonly reserved: Map<string, Kind>;
  /** The attempts beyond {@link MAX_KINDS}. */
  readonly others: Kind;
  readonly spent: Spent;
}

/**
 * Decides which refused attempts and dry runs are recorded: at most one entry for each (actor, target, code) a minute, with
 * a count, and ten a second in all. So no actor can fill the journal with refused attempts (L29).
 *
 * Each actor has limits of its own for kinds, entries a second and entries an hour, so that no actor displaces another. An attempt
 * beyond a limit is only counted: in the actor's own `others`, or in the engine's.
 */
export class RefusalThrottle {
  readonly #actors = new Map<string, Actor>();
  readonly #budget = new WriteBudget();
  /** Counts the attempts of actors beyond the limit of actors. */
  readonly #others = actorOf(ENGINE);
  /** The second of the last pass that wrote due kinds, and of the last that forgot idle ones. Attempts start each at most once a second. */
  #writtenIn = -1;
  #forgottenIn = -1;

  /** @returns the entries to write now: none if the code is no refusal, or if no entry is due */
  note(attempt: Attempt, code: AttemptCode, now: number): readonly EntryDraft[] {
    if (code !== 'dry_run' && !isRefusal(code)) return [];
    const actor = this.#actorOf(attempt.actor, code, now);
    const kind = kindOf(actor, shortened(attempt), code, now);
    kind.unwritten += 1;
    // A kind that could not be written earlier in this second still cannot, so only this attempt's kind is tried. So an attempt
    // costs the same, however many kinds wait.
    if (secondOf(now) !== this.#writtenIn) return this.#write(now);
    return this.#isTaken({ kind, actor }, now) ? [entryOf(kind, now)] : [];
  }

  /** Returns the entries that are due, and forgets kinds and actors with nothing left to write. */
  flush(now: number): readonly EntryDraft[] {
    const entries = this.#write(now);
    this.#forget(now);
    return entries;
  }

  #actorOf(id: string, code: AttemptCode, now: number): Actor {
    const known = this.#actors.get(id);
    if (known !== undefined) return known;
    const most = MAX_ACTORS + (RESERVED.has(code) ? MORE_ACTORS : 0);
    if (this.#actors.size >= most && secondOf(now) !== this.#forgottenIn) this.#forget(now);
    if (this.#actors.size >= most) return this.#others;
    const actor = actorOf(id);
    this.#actors.set(id, actor);
    return actor;
  }

  /** Writes reserved codes first, then those of the actor with the fewest entries this hour. An often refused actor waits longest. */
  #write(now: number): readonly EntryDraft[] {
    this.#writtenIn = secondOf(now);
    if (this.#budget.isSpent(now)) return [];
    const due = [...this.#actors.values(), this.#others].flatMap((actor) =>
      kindsOf(actor)
        .filter((kind) => isDue(kind, now))
        .map((kind) => ({ kind, actor })),
    );
    due.sort((a, b) => Number(b.kind.isReserved) - Number(a.kind.isReserved) || a.actor.spent.inHour - b.actor.spent.inHour);
    return due.filter((found) => this.#isTaken(found, now)).map(({ kind }) => entryOf(kind, now));
  }

  #isTaken({ kind, actor }: { readonly kind: Kind; readonly actor: Actor }, now: number): boolean {
    return isDue(kind, now) && this.#budget.take(actor.spent, kind.isReserved, now);
  }

  /** Forgets each kind with nothing to write whose minute has passed, and each actor without kinds that wrote nothing this hour. */
  #forget(now: number): void {
    this.#forgottenIn = secondOf(now);
    for (const [id, actor] of this.#actors) {
      forgetKinds(actor.kinds, now);
      forgetKinds(actor.reserved, now);
      const isQuiet = actor.kinds.size + actor.reserved.size === 0 && isIdle(actor.others, now);
      if (isQuiet && this.#budget.isFresh(actor.spent, now)) this.#actors.delete(id);
    }
  }
}

const newKind = (attempt: Attempt, code: Kind['code'], isReserved = false): Kind => ({
  attempt,
  code,
  isReserved,
  writtenAt: -WINDOW_MS,
  unwritten: 0,
});

const actorOf = (actor: string): Actor => ({
  kinds: new Map(),
  reserved: new Map(),
  others: newKind({ actor }, 'others'),
  spent: { second: -1, inSecond: 0, hour: -1, inHour: 0 },
});

const kindsOf = ({ kinds, reserved, others }: Actor): readonly Kind[] => [...reserved.values(), ...kinds.values(), others];

/** The kind of an attempt: the kept one, a new one below the limit, or else the actor's `others`. */
function kindOf(actor: Actor, attempt: Attempt, code: AttemptCode, now: number): Kind {
  if (actor.others.attempt.actor !== attempt.actor) return actor.others;
  const isReserved = RESERVED.has(code);
  const kinds = isReserved ? actor.reserved : actor.kinds;
  const key = JSON.stringify([attempt, code]);
  const known = kinds.get(key);
  if (known !== undefined) return known;
  if (kinds.size >= MAX_KINDS) forgetKinds(kinds, now);
  if (kinds.size >= MAX_KINDS) return actor.others;
  const kind = newKind(attempt, code, isReserved);
  kinds.set(key, kind);
  return kind;
}

/** The form in which an attempt is kept and written: with at most {@link MAX_SCOPES} scopes, and the number of the others. */
function shortened({ actor, requestId, grantId, scopes, breakGlass }: Attempt): Attempt & { readonly moreScopes?: number | undefined } {
  const more = (scopes?.length ?? 0) - MAX_SCOPES;
  return {
    actor,
    requestId,
    grantId,
    scopes: scopes?.slice(0, MAX_SCOPES),
    breakGlass,
    moreScopes: more > 0 ? more : undefined,
  } as Attempt;
}

function entryOf(kind: Kind, now: number): EntryDraft {
  const { attempt, code, unwritten: count } = kind;
  const { actor, requestId, grantId, ...asked } = attempt;
  kind.writtenAt = now;
  kind.unwritten = 0;
  return { type: 'attempt.refused', at: now, actor, requestId, grantId, data: toJson({ code, count, ...asked }) };
}

function forgetKinds(kinds: Map<string, Kind>, now: number): void {
  for (const [key, kind] of kinds) if (isIdle(kind, now)) kinds.delete(key);
}

const secondOf = (now: number): number => Math.floor(now / 1_000);

const isDue = (kind: Kind, now: number): boolean => kind.unwritten > 0 && isOver(kind, now);

const isIdle = (kind: Kind, now: number): boolean => kind.unwritten === 0 && isOver(kind, now);

/** Compares the distance, so that a clock that stepped back suppresses no entry for long. */
const isOver = (kind: Kind, now: number): boolean => Math.abs(now - kind.writtenAt) >= WINDOW_MS;
