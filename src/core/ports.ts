import type { AuditEntry } from '../model/entry.js';
import type { Grant } from '../model/grant.js';
import type { AccessRequest } from '../model/request.js';

export type MaybePromise<T> = T | Promise<T>;

/** A page of a list. Pass `next` as `after` to get the following page; `undefined`: this page is the last. */
export interface Page<T> {
  /** The items of this page, in order. */
  readonly items: readonly T[];
  /** The `after` of the next page. `undefined`: this page is the last. */
  readonly next: string | undefined;
}

/**
 * The source of the present instant.
 *
 * Gotcha: a clock may step back, and jump ahead. The engine keeps the highest reading that it has used, and judges ends at that.
 */
export interface Clock {
  /** @returns integer milliseconds since the Unix epoch; anything else, or a throw, refuses the call with `ERR_JIT_CLOCK` */
  now(): number;
  /**
   * Resolves at the instant `until` of this clock, or when `signal` aborts (then without an error).
   * Absent: real timers are used. A fake clock wakes its sleepers, in order, while it is moved.
   *
   * @param isPoll the caller only refreshes what it keeps: a clock that is moved far may wake it once, at the end of the move
   */
  sleep?(until: number, signal: AbortSignal, isPoll?: boolean): Promise<void>;
  /**
   * Milliseconds of a monotonic clock, from any origin: setting the system clock does not move it. The engine measures durations
   * with it. Absent: `performance.now()`. A fake clock advances it when it lets time pass.
   */
  elapsed?(): number;
}

/**
 * Forwards the journal's entries to a destination.
 *
 * Guarantees given to an implementation: entries arrive in the journal's order; one `write` at a time in a process;
 * every entry at least once, through any crash (a repeat has the same `id` and `seq`); a `write` that rejects is
 * repeated with the same entries later.
 *
 * Gotcha: `write` must settle. A `write` that hangs delays only this sink, and the engine reports it to `onError`. Until it
 * settles, this process sends the sink no further entries.
 */
export interface AuditSink {
  /** Identifies the destination: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /**
   * `shared` (the default): one stored cursor; each entry goes out once from the whole fleet, from the journal's start.
   * `local`: a cursor in memory; each entry goes out from every process, from the journal's head at the engine's first call on.
   */
  readonly follow?: 'shared' | 'local' | undefined;
  /**
   * Receives entries, in order. If it rejects, the same entries are delivered again later, and the entries after them wait.
   *
   * If the destination refuses one entry because of its content, reject with `new EntryRefusedError(entry.id, why)`. After five
   * such refusals that entry is delivered alone and in its withheld form, see `isWithheld`. If the destination takes that form,
   * the next entries follow.
   */
  write(entries: readonly AuditEntry[], context: SinkContext): MaybePromise<void>;
}

/** Looks up records for a sink: an entry has only the fields that its transition wrote, the record has all of them. */
export interface SinkContext {
  /**
   * A request with its grants, in their current state. `undefined`: it does not exist, was removed, or is unreadable. The engine
   * reports an unreadable record to `onError`.
   *
   * @throws StoreError
   */
  request(requestId: string): Promise<{ readonly request: AccessRequest; readonly grants: readonly Grant[] } | undefined>;
}

/**
 * Decides which scopes a granted scope covers. `covers` and `overlaps` are pure, linear in their input, and false for a malformed
 * scope.
 */
export interface ScopeMatcher {
  /**
   * Identifies the way of matching, 1-256 characters, the same after a restart. Processes that share a namespace must have a
   * matcher of one name: the engine reports a difference to `onError`.
   */
  readonly name: string;
  /** True promises that `covers` is equality, so that a check may look up the scope itself. */
  readonly exact: boolean;
  /** Whether a grant of `granted` allows `required`. Reflexive and transitive. */
  covers(granted: string, required: string): boolean;
  /** Whether some concrete scope is covered by both. Symmetric, and implied by `covers`. */
  overlaps(a: string, b: string): boolean;
  /**
   * Whether a grant of this scope allows any other scope than itself. Absent: no scope does if `exact` is true, and every scope
   * counts as one that does if `exact` is false. `reviewers` and `autoApprove` abstain for such a scope, unless they set
   * `patterns: true`.
   */
  isWide?(scope: string): boolean;
}
