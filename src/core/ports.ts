import type { AccessRequest, AuditEntry, Grant, Quorum, Terms } from '../records/types.js';

export type MaybePromise<T> = T | Promise<T>;

/** A page of a longer answer. `next` is what to pass as `after` for the following page; `undefined`: this was the last. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

/**
 * Where "now" comes from.
 *
 * Gotcha: it may step back, and jump ahead. The engine keeps the highest reading that it has used, and judges ends at that.
 */
export interface Clock {
  /** @returns integer milliseconds since the Unix epoch; anything else, or a throw, refuses the call with `ERR_JIT_CLOCK` */
  now(): number;
  /**
   * Resolves at the instant `until` of this clock, or when `signal` aborts (then without an error).
   * Absent: real timers are used. A fake clock wakes its sleepers, in order, as it is moved.
   */
  sleep?(until: number, signal: AbortSignal): Promise<void>;
  /**
   * Milliseconds on a monotonic clock, from any origin: setting the system clock does not move it. Durations are measured by
   * it. Absent: `performance.now()`. A fake clock moves it as it lets time pass.
   */
  elapsed?(): number;
}

/** What an approver says to a new request. */
export type Verdict =
  | ({ readonly outcome: 'approve'; readonly reason?: string | undefined; readonly terms?: TermsInput | undefined } & VerdictSource)
  | ({ readonly outcome: 'deny'; readonly reason: string } & VerdictSource)
  | ({ readonly outcome: 'review'; readonly quorum: QuorumInput; readonly terms?: TermsInput | undefined } & VerdictSource)
  | { readonly outcome: 'abstain' };

/** Where a verdict comes from; both stay on the request. */
export interface VerdictSource {
  /** The member of a chain that has decided. Default: the name of the approver that was asked. */
  readonly approver?: string | undefined;
  /** The approver's own name for the rule by which it answered. */
  readonly rule?: string | undefined;
}

/** The {@link Terms} as an approver writes them: what is left out is not set. */
export type TermsInput = { readonly [Field in keyof Terms]?: Terms[Field] };

/** Why a subject may not hold something, where there is more to say than no. */
export interface Ineligibility {
  readonly eligible: false;
  /** What whoever asks is told. */
  readonly reason: string;
}

/** What an approver says to somebody who needs access before anybody can review. */
export type BreakGlassVerdict =
  | ({
      readonly outcome: 'approve';
      /** How long after its start the review is overdue, in milliseconds. */
      readonly reviewWithinMs: number;
      /** How many reviews the subject, and whoever asks for it, may owe at a time, this one included. Default: 1. */
      readonly maxUnreviewed?: number | undefined;
      /** The groups one of whose members is to give the review that is owed; kept on the request. Default: none is named. */
      readonly reviewers?: readonly string[] | undefined;
      /** The groups whose review is skipped. */
      readonly skippedGroups?: readonly string[] | undefined;
      /** Who is skipped, where they can be told. */
      readonly skippedPeople?: readonly string[] | undefined;
      readonly terms?: TermsInput | undefined;
    } & VerdictSource)
  | ({ readonly outcome: 'deny'; readonly reason: string } & VerdictSource)
  | { readonly outcome: 'abstain' };

/** A {@link Quorum} as an approver writes it: what may be left out, may be left out here. */
export interface QuorumInput {
  readonly groups: Quorum['groups'];
  /** How many denials end the request. Default: 1. */
  readonly denials?: number | undefined;
  /** How long an approval counts, in milliseconds. Default: as long as the request is open. */
  readonly approvalTtlMs?: number | undefined;
  /** How long reviewers have from here, in milliseconds. Default: the deadline that the request already has. */
  readonly reviewWithinMs?: number | undefined;
  /** A group whose members may stand in for any of the others after this long, in milliseconds. */
  readonly escalation?: Quorum['escalation'];
}

/**
 * What comes with each question to an approver. It keeps none of it: one approver may serve several engines, and these may
 * differ in how far scopes reach.
 */
export interface ApproverContext {
  /**
   * The engine's reading of its clock, epoch milliseconds; for a request that starts later, at its creation, that start. An
   * approver reads no clock of its own.
   */
  readonly at: number;
  /** How far scopes reach in this engine. What judges scopes otherwise allows what no check denies. */
  readonly scopes: ScopeMatcher;
  /** The form in which this engine knows ids: the option `canonicalId`. `undefined`: ids compare as they are. */
  readonly canonicalId: ((id: string) => string) | undefined;
}

/**
 * Decides a request, or says who must. It is the port behind which policies live; a *reviewer* is a person.
 *
 * Guarantees an implementation gives:
 * - Its answers may change from one call to the next; each is asked when it is needed and never cached.
 * - It has no effects: it may be asked several times about one request, and its answer may come too late to count.
 * - It judges scopes by `context.scopes`, time by `context.at`, and ids of its own by `context.canonicalId`. One that asks
 *   another approver hands the context on.
 * - It fails by throwing. A failure, a malformed answer, or no answer within `limits.approverTimeout` leaves the
 *   request pending; it never counts as a yes.
 */
export interface Approver {
  /** Stays on every request that this approver decides; 1-256 characters, the same after a restart. */
  readonly name: string;
  /**
   * Whether requests that keep this approver's name are this one's to answer for. Absent: only its own `name`. For
   * approvers that are made of others; nobody may review a request that nobody answers for.
   */
  answersFor?(approver: string): boolean;
  /** Refuses an engine that this approver was not made for. Called once, when the engine is made. @throws InvalidArgumentError */
  fits?(engine: Pick<ApproverContext, 'scopes' | 'canonicalId'>): void;
  /** Decides a new request, names the quorum that must, or has no opinion. A request on which all abstain is denied. */
  decide(request: AccessRequest, context: ApproverContext): MaybePromise<Verdict>;
  /**
   * The groups in which this reviewer may act on this request. Asked live at each review, and again for every counted
   * review when the quorum would complete. Absent: nobody may review.
   */
  groupsOf?(reviewer: string, request: AccessRequest, context: ApproverContext): MaybePromise<readonly string[]>;
  /** Everybody who may review this request; `undefined`, like no such method: can't be listed. For answers to people only; it gives no right. */
  membersOf?(request: AccessRequest, context: ApproverContext): MaybePromise<readonly string[] | undefined>;
  /**
   * Whether the subject may (still) hold this. Absent: yes.
   * - `creation`: before anything is recorded. No: the request is refused and not recorded. In a chain one yes suffices.
   * - `approval`: when the quorum would complete. No: the request is denied.
   * - `start`: at a scheduled start. No: the grant is revoked.
   *
   * Never asked on revoke, release, cancel or expiry.
   */
  isEligible?(
    request: AccessRequest,
    when: 'creation' | 'approval' | 'start',
    context: ApproverContext,
  ): MaybePromise<boolean | Ineligibility>;
  /**
   * Whether this may be had at once, and reviewed afterwards. Nothing is on record yet. Absent: never. In a chain it is asked
   * of the members in front of the one that approves, and where such a member has no such method, its `decide`: a denial
   * of either, or a failure, refuses the access.
   */
  breakGlass?(request: AccessRequest, context: ApproverContext): MaybePromise<BreakGlassVerdict>;
  /** Whether this person may give the review that break-glass access owes. Asked live. Absent: nobody may. */
  mayReviewBreakGlass?(reviewer: string, request: AccessRequest, context: ApproverContext): MaybePromise<boolean>;
}

/** A method of the port as an approver of this package has it: outside an engine it may be asked without a context. */
export type Askable<Method> = Method extends (...args: [...infer Args, ApproverContext]) => infer Answer
  ? (...args: [...Args, context?: ApproverContext]) => Answer
  : Method;

/** An approver of this package. Asked without a context, scopes reach as in {@link ScopeMatcher} `patternScopes`, and ids are as they are. */
export type AskableApprover = { readonly [Member in keyof Approver]: Member extends 'fits' ? Approver[Member] : Askable<Approver[Member]> };

/**
 * Reads the journal on to somewhere else.
 *
 * Guarantees given to an implementation: entries arrive in the journal's order; one `write` at a time in a process;
 * every entry at least once, through any crash (a repeat has the same `id` and `seq`); a `write` that rejects is
 * repeated with the same entries later.
 *
 * Gotcha: `write` must settle. One that hangs delays only this sink, and is told to `onError`, but nothing is sent
 * past it from this process until it settles.
 */
export interface AuditSink {
  /** Stands for the destination: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /**
   * `shared` (the default): one stored cursor; each entry goes out once from the whole fleet, from the journal's start.
   * `local`: a cursor in memory; each entry goes out from every process, from the journal's head at the engine's first call on.
   */
  readonly follow?: 'shared' | 'local' | undefined;
  /**
   * Takes entries, in order. Where it rejects, the same entries come again later, and those behind them wait.
   *
   * Where the destination refuses one entry for what is in it, reject with `new EntryRefusedError(entry.id, why)`: after
   * five of these that entry comes alone and in its withheld form, see `isWithheld`. If that is taken, the next ones follow.
   */
  write(entries: readonly AuditEntry[], context: SinkContext): MaybePromise<void>;
}

/** What a sink may look up: an entry says what has changed, the record what it is about. */
export interface SinkContext {
  /** A request with its grants, as they are now; `undefined` where there is none, none any more, or none that can be read, which is told to `onError`. @throws StoreError */
  request(requestId: string): Promise<{ readonly request: AccessRequest; readonly grants: readonly Grant[] } | undefined>;
}

/** Says which scopes a granted scope reaches. Both functions are pure, linear in their input, and false on anything malformed. */
export interface ScopeMatcher {
  /**
   * Stands for how it matches, 1-256 characters, the same after a restart. Processes that share a namespace must have a matcher
   * of one name: where they differ, `onError` is told.
   */
  readonly name: string;
  /** True promises that `covers` is equality, so that a check may look up the scope itself. */
  readonly exact: boolean;
  /** Whether a grant of `granted` allows `required`. Reflexive and transitive. */
  covers(granted: string, required: string): boolean;
  /** Whether some concrete scope is covered by both. Symmetric, and implied by `covers`. */
  overlaps(a: string, b: string): boolean;
  /**
   * Whether a grant of this scope allows anything besides this scope itself. Absent: nothing does where `exact` is true, and
   * otherwise everything may, so that `reviewers` and `autoApprove` pass every scope over unless they say `patterns: true`.
   */
  isWide?(scope: string): boolean;
}
