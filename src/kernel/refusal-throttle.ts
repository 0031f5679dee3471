import type { AnyJitError } from '../core/errors.js';
import { ENGINE, type EntryDraft } from '../lifecycle/transition.js';
import { toJson } from '../records/index.js';
import { WriteBudget, type Spent } from './write-budget.js';

/** What was refused to whom. */
export type Attempt = Pick<EntryDraft, 'actor' | 'requestId' | 'grantId'> & {
  /** What was asked for, where there is no record yet. */
  readonly scopes?: readonly string[] | undefined;
  /** It was to be had at once: somebody may want to hear of that. */
  readonly breakGlass?: true;
};

/** Why an attempt is recorded: the code with which it was refused, or that it was a dry run, which was not. */
export type AttemptCode = AnyJitError['code'] | 'dry_run';

/** Codes by which a known actor is refused something; faults and bad arguments are not attempts. */
const REFUSALS: ReadonlySet<AttemptCode> = new Set<AttemptCode>([
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

/** Attempts at a review that is not the actor's to give: room is kept for these whatever else is refused. */
const RESERVED: ReadonlySet<AttemptCode> = new Set<AttemptCode>(['ERR_JIT_SELF_REVIEW', 'ERR_JIT_NOT_REVIEWER', 'ERR_JIT_LINK']);

/** Whether somebody is refused something, and nothing has failed. */
export const isRefusal = (code: AnyJitError['code']): boolean => REFUSALS.has(code);

const WINDOW_MS = 60_000;
/** How many kinds are kept of each actor, of reserved codes and of the others each; the rest of an actor's is one count. */
const MAX_KINDS = 30;
/** How many scopes an entry names; of the others it has the number. */
const MAX_SCOPES = 5;
/** So many actors are kept at a time, and this many more whose code is reserved; the rest is one count. */
const MAX_ACTORS = 300;
const MORE_ACTORS = 200;

/** Attempts that share an entry: of one actor, on one target, with one code. */
interface Kind {
  readonly attempt: Attempt;
  readonly code: AttemptCode | 'others';
  readonly isReserved: boolean;
  writtenAt: number;
  unwritten: number;
}

/** What is kept of one actor. */
interface Actor {
  readonly kinds: Map<string, Kind>;
  readonly reserved: Map<string, Kind>;
  /** Everything beyond these. */
  readonly others: Kind;
  readonly spent: Spent;
}

/**
 * Decides which refused attempts and dry runs are recorded: at most one entry for each (actor, target, code) a minute, with
 * a count, and ten a second in all, so that no actor fills the journal by being refused (L29).
 *
 * Each actor has kinds, entries a second and entries an hour of its own, so that no actor takes the place of another's. What
 * has no place is counted: in the actor's own `others`, or in one of the engine's.
 */
export class RefusalThrottle {
  readonly #actors = new Map<string, Actor>();
  readonly #budget = new WriteBudget();
  /** For actors beyond those that are kept. */
  readonly #others = actorOf(ENGINE);
  /** The seconds in which all kinds were last gone through: to write what is due, and to forget what is over. */
  #writtenIn = -1;
  #forgottenIn = -1;

  /** @returns the entries to write now: none where the error is no refusal, or nothing is due */
  note(attempt: Attempt, code: AttemptCode, now: number): readonly EntryDraft[] {
    if (code !== 'dry_run' && !isRefusal(code)) return [];
    const actor = this.#actorOf(attempt.actor, code, now);
    const kind = kindOf(actor, shortened(attempt), code, now);
    kind.unwritten += 1;
    // What could not be written in this second still cannot: only this attempt is new. So no attempt costs more than a look
    // at its own kind, however many others wait.
    if (secondOf(now) !== this.#writtenIn) return this.#write(now);
    return this.#isTaken({ kind, actor }, now) ? [entryOf(kind, now)] : [];
  }

  /** The entries that are due; what has nothing left to write is forgotten. */
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

  /** Reserved codes first, then the actor that has had the fewest entries: who is refused most waits longest. */
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

  /** Kinds with nothing left to write whose minute is over, and actors of whom nothing is left but a spent hour that is over. */
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

/** The kind that an attempt belongs to: one that is kept, a new one where there is room, or what counts the others. */
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

/** An attempt as it is kept and written: with a few scopes, and the number of the others. */
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

/** By distance, so that a clock that steps back doesn't silence anything for long. */
const isOver = (kind: Kind, now: number): boolean => Math.abs(now - kind.writtenAt) >= WINDOW_MS;
