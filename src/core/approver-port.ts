import type { AskProblem } from './ask-problem.js';
import type { MaybePromise, ScopeMatcher } from './ports.js';
import type { QuorumAlternativeInput, QuorumGroupInput, QuorumInput, QuorumStepInput } from './quorum-input.js';
import type { Risk } from './requestable.js';
import type { AccessRequest, Terms } from '../model/request.js';

export type { QuorumAlternativeInput, QuorumGroupInput, QuorumInput, QuorumStepInput };

/** An approver's answer to a new request. */
export type Verdict =
  | ({ readonly outcome: 'approve'; readonly reason?: string | undefined; readonly terms?: TermsInput | undefined } & VerdictSource)
  | ({ readonly outcome: 'deny'; readonly reason: string } & VerdictSource)
  | ({ readonly outcome: 'review'; readonly quorum: QuorumInput; readonly terms?: TermsInput | undefined } & VerdictSource)
  | Abstention;

/** An approver has no opinion on a request. In a chain, the next member is asked. */
export interface Abstention {
  /** The approver does not decide, so the next one is asked. */
  readonly outcome: 'abstain';
  /**
   * The instant from which this approver would deny the request, such as the begin of a freeze. In a chain, access that a later member
   * gives ends by then, as by the `endBy` of its own {@link Terms}. Epoch milliseconds. Default: none.
   */
  readonly endBy?: number | undefined;
}

/** The origin of a verdict. The request keeps both fields. */
export interface VerdictSource {
  /** The name of the member of a chain that decided. Default: the name of the approver that was asked. */
  readonly approver?: string | undefined;
  /** The approver's own name for the rule by which it answered. */
  readonly rule?: string | undefined;
}

/** The {@link Terms} as an approver writes them. An omitted field is not set. */
export type TermsInput = { readonly [Field in keyof Terms]?: Terms[Field] };

/** The answer "not eligible", with a reason. */
export interface Ineligibility {
  /** Always `false`: the subject may not ask. */
  readonly eligible: false;
  /** The text that the requester gets. */
  readonly reason: string;
  /**
   * The values of the ask that must change, at most 100, if these alone prevent the access: the engine then refuses the ask with
   * `ERR_JIT_REQUIREMENTS`. Absent or empty: the subject has no right to this access, and the code is `ERR_JIT_INELIGIBLE`.
   * Counts only at `creation`.
   */
  readonly problems?: readonly AskProblem[] | undefined;
}

/** An approver's answer to a request for break-glass access, which is reviewed only afterwards. */
export type BreakGlassVerdict =
  | ({
      readonly outcome: 'approve';
      /** How long after the start of the access its review is overdue, in milliseconds. */
      readonly reviewWithinMs: number;
      /** How many pending break-glass reviews the subject, and the requester, may have at a time, this one included. Default: 1. */
      readonly maxUnreviewed?: number | undefined;
      /** The groups of which one member must review the use afterwards; kept on the request. Default: no group is named. */
      readonly reviewers?: readonly string[] | undefined;
      /** The groups whose review is skipped. */
      readonly skippedGroups?: readonly string[] | undefined;
      /** The people whose review is skipped, if the approver can list them. */
      readonly skippedPeople?: readonly string[] | undefined;
      /** The terms of the access. Default: none. */
      readonly terms?: TermsInput | undefined;
    } & VerdictSource)
  | ({
      readonly outcome: 'deny';
      /** The text that the requester gets. */
      readonly reason: string;
      /** As in {@link Ineligibility}: the values of the ask that must change, if these alone prevent the access. */
      readonly problems?: readonly AskProblem[] | undefined;
    } & VerdictSource)
  | Abstention;

/** The context of each question to an approver. It must not be kept: an approver may serve engines that match scopes differently. */
export interface ApproverContext {
  /**
   * The instant at which the approver judges, in epoch milliseconds: the engine's reading of its clock. `decide`, and `isEligible`
   * at creation, get the start of a request that starts later. An approver reads no clock of its own.
   */
  readonly at: number;
  /** The engine's matcher. An approver that matches scopes in another way may approve more than it means, and no check notices. */
  readonly scopes: ScopeMatcher;
  /** The engine's option `canonicalId`, which gives ids their canonical form. `undefined`: ids compare unchanged. */
  readonly canonicalId: ((id: string) => string) | undefined;
}

/** The context of the question what a subject may ask for. */
export interface RequestableContext extends ApproverContext {
  /** Who would ask: the subject, its agent if the subject is a run, or another person on its behalf. */
  readonly requestedBy: string;
  /** The operator of a run, if one is known. */
  readonly operator: string | undefined;
}

/** A field of `metadata` that an ask must have. A form makes an input of it. */
export interface RequiredField {
  /** The field of the ask, as the problems of a refusal name it: `metadata.environment`. */
  readonly field: string;
  /** The name of the input. */
  readonly title?: string | undefined;
  /** The allowed values, at most 100. Absent: any value. */
  readonly values?: readonly string[] | undefined;
  /** The required form, such as `INC-####`. */
  readonly form?: string | undefined;
}

/** What an ask must contain. */
export interface RequestableNeeds {
  /** Default: false. */
  readonly justification?: boolean | undefined;
  /** `true`: any ticket. A string: its form, such as `INC-####`. Absent: none. */
  readonly ticket?: true | string | undefined;
  /** Default: none. */
  readonly fields?: readonly RequiredField[] | undefined;
}

/**
 * A scope that may be asked for, as an approver describes it. Of several items with the same verb (`requestAccess` for `approve` and
 * `review`, `breakGlass` for `break_glass`) the first whose scope covers an asked scope is the one that applies.
 */
export interface RequestableInput {
  /** A scope, or a pattern of the scopes that may be asked for. */
  readonly scope: string;
  /** 1-256 characters. */
  readonly title?: string | undefined;
  /** Text of at most 4 KiB. Default: none. */
  readonly description?: string | undefined;
  /** How risky the access is, for people to read. Default: none. */
  readonly risk?: Risk | undefined;
  /**
   * The result of an ask that meets the conditions: `approve`: access at once. `review`: reviewers decide. `break_glass`: access at
   * once by `breakGlass`, with a review afterwards.
   */
  readonly outcome: 'approve' | 'review' | 'break_glass';
  /** The patterns within `scope` for which an ask is refused. At most 1,000. */
  readonly except?: readonly string[] | undefined;
  /** Whether the pattern itself may be asked for, and not only the scopes that it covers. Default: false. */
  readonly patterns?: boolean | undefined;
  /** The shortest and the longest window that starts now, in milliseconds. Default: the limits of the engine, which always apply too. */
  readonly minTtlMs?: number | undefined;
  /** The longest window that starts now, in milliseconds: see `minTtlMs`. */
  readonly maxTtlMs?: number | undefined;
  /** How far ahead the window may start, in milliseconds. Default: the limit of the engine. */
  readonly maxStartAheadMs?: number | undefined;
  /** What the ask must contain. Default: nothing. */
  readonly needs?: RequestableNeeds | undefined;
  /** The approvals that are needed. Required if the outcome is `review`, and absent otherwise. */
  readonly quorum?: QuorumInput | undefined;
  /** Who must review the use afterwards, and within what time. Only if the outcome is `break_glass`. */
  readonly afterReview?: { readonly groups: readonly string[]; readonly withinMs: number } | undefined;
  /** The possible reviewers, at most 100. Absent: they cannot be listed, or there are more. */
  readonly reviewers?: readonly string[] | undefined;
  /** As in {@link VerdictSource}. */
  readonly approver?: string | undefined;
  /** As in {@link VerdictSource}. */
  readonly rule?: string | undefined;
}

/** What a subject may ask for, as an approver answers it. */
export interface RequestableAnswer {
  /** At most 2,000. */
  readonly items: readonly RequestableInput[];
  /** The scopes and patterns that this approver denies. In a chain they also limit the items of later members. At most 1,000. */
  readonly denied?: readonly string[] | undefined;
  /** False: the subject may be able to ask for more than the items. Default: true. */
  readonly complete?: boolean | undefined;
}

/**
 * Decides a request, or names the reviewers who must decide it. Policies implement this port; a *reviewer* is a person.
 *
 * Guarantees an implementation gives:
 * - Its answers may change between two calls: the engine asks each time it needs an answer, and never caches one.
 * - It has no effects: it may be asked several times about one request, and its answer may come too late to count.
 * - It judges scopes by `context.scopes`, time by `context.at`, and its own ids by `context.canonicalId`. An approver that asks
 *   another approver passes the context on.
 * - It fails by throwing. A failure, a malformed answer, or no answer within `limits.approverTimeout` leaves the
 *   request pending; it never counts as a yes.
 */
export interface Approver {
  /** Kept on every request that this approver decides; 1-256 characters, the same after a restart. */
  readonly name: string;
  /**
   * Whether this approver answers for the requests that keep the name `approver`. Absent: only for its own `name`. An approver that
   * is composed of others implements this. No reviewer may review a request for which no approver answers.
   */
  answersFor?(approver: string): boolean;
  /** Refuses an engine that does not fit this approver. Called once, when the engine is constructed. @throws InvalidArgumentError */
  fits?(engine: Pick<ApproverContext, 'scopes' | 'canonicalId'>): void;
  /** Decides a new request, names the quorum that must decide it, or abstains. If all approvers abstain, the request is denied. */
  decide(request: AccessRequest, context: ApproverContext): MaybePromise<Verdict>;
  /**
   * Whether `decide` answers this request without a promise or an effect, and equally for the same request, instant and policy. The
   * engine then records request and decision in one commit. After a throw or a promise it records the request, and asks again.
   * Gotcha: the engine cannot check it. A `decide` that posts to a chat would post for requests that are never recorded.
   */
  decidesAtOnce?(request: AccessRequest, context: ApproverContext): boolean;
  /**
   * The groups in which this reviewer may act on this request. Asked live at each review, and again for every counted
   * review when the quorum would complete. Absent: no reviewer may review.
   */
  groupsOf?(reviewer: string, request: AccessRequest, context: ApproverContext): MaybePromise<readonly string[]>;
  /**
   * The answers of `groupsOf` for many requests, together: a list with one item for each request, in their order. `inbox` asks for at
   * most 200 requests at a time. An item may be a promise of its own, so that one answer that fails or is late hides no other. A
   * directory that answers for a reviewer needs one question here. Absent: `inbox` calls `groupsOf` for each, at most 32 at a time.
   *
   * Gotcha: reviews are judged by `groupsOf` alone. An approver without it has no reviewers.
   */
  groupsOfAll?(
    reviewer: string,
    requests: readonly AccessRequest[],
    context: ApproverContext,
  ): MaybePromise<readonly MaybePromise<readonly string[]>[]>;
  /**
   * All reviewers who may review this request. `undefined`, or no such method: they cannot be listed. The list gives no right. It is
   * shown to people, and it limits about whom the HTTP handler asks `groupsOf` when it sends an event.
   */
  membersOf?(request: AccessRequest, context: ApproverContext): MaybePromise<readonly string[] | undefined>;
  /**
   * Whether the subject may (still) hold this access. Absent: yes.
   * - `creation`: before anything is recorded, and also for an ask beyond the engine's limits, so that the requester gets all
   *   problems at once. No: the request is refused and not recorded. In a chain one yes suffices.
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
   * Whether the subject may have this access at once, with a review afterwards. Called before anything is recorded. Absent: never.
   * In a chain, the members before the one that approves are asked too. A denial by any of them, or a failure, refuses the
   * access. A member without this method is asked by its `decide`, of which only a denial counts.
   */
  breakGlass?(request: AccessRequest, context: ApproverContext): MaybePromise<BreakGlassVerdict>;
  /** Whether this person may review this break-glass use. Asked live. Absent: no person may. */
  mayReviewBreakGlass?(reviewer: string, request: AccessRequest, context: ApproverContext): MaybePromise<boolean>;
  /**
   * What the subject may ask for, for `requestable` of `jit-access/explain`. It gives no right, because `decide` judges each request.
   * `undefined`, or no such method: this approver cannot list it.
   */
  requestable?(subject: string, context: RequestableContext): MaybePromise<RequestableAnswer | undefined>;
}

/** A method of {@link Approver} whose context is optional: code outside an engine calls this package's approvers without one. */
export type Askable<Method> = Method extends (...args: [...infer Args, infer Context extends ApproverContext]) => infer Answer
  ? (...args: [...Args, context?: Context]) => Answer
  : Method;

/** An approver of this package. Without a context, it matches scopes like `patternScopes` and compares ids unchanged. */
export type AskableApprover = { readonly [Member in keyof Approver]: Member extends 'fits' ? Approver[Member] : Askable<Approver[Member]> };
