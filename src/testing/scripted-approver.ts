import type {
  Approver,
  ApproverContext,
  BreakGlassVerdict,
  Ineligibility,
  RequestableAnswer,
  RequestableContext,
  Verdict,
} from '../core/approver-port.js';
import type { MaybePromise } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';

type Eligibility = 'creation' | 'approval' | 'start';

/** An answer: a value, or a function that returns it, throws, or never settles. */
export type Scripted<Answer, Args extends readonly unknown[]> = Answer | ((...args: Args) => MaybePromise<Answer>);

/** The answers of a {@link ScriptedApprover}. Except for `decide`, the approver lacks each method that is omitted here. */
export interface ApproverScript {
  /** Default: `{ outcome: 'abstain' }`. */
  decide?: Scripted<Verdict, [request: AccessRequest, context: ApproverContext]> | undefined;
  /** The answer of `groupsOf`. Omitted: the approver lacks this method. */
  groupsOf?: Scripted<readonly string[], [reviewer: string, request: AccessRequest, context: ApproverContext]> | undefined;
  /** The answer of `groupsOfAll`. Omitted: the approver lacks this method. */
  groupsOfAll?:
    | Scripted<readonly MaybePromise<readonly string[]>[], [reviewer: string, requests: readonly AccessRequest[], context: ApproverContext]>
    | undefined;
  /** The answer of `membersOf`. Omitted: the approver lacks this method. */
  membersOf?: Scripted<readonly string[], [request: AccessRequest, context: ApproverContext]> | undefined;
  /** The answer of `isEligible`. Omitted: the approver lacks this method. */
  isEligible?: Scripted<boolean | Ineligibility, [request: AccessRequest, when: Eligibility, context: ApproverContext]> | undefined;
  /** The answer of `breakGlass`. Omitted: the approver lacks this method. */
  breakGlass?: Scripted<BreakGlassVerdict, [request: AccessRequest, context: ApproverContext]> | undefined;
  /** The answer of `mayReviewBreakGlass`. Omitted: the approver lacks this method. */
  mayReviewBreakGlass?: Scripted<boolean, [reviewer: string, request: AccessRequest, context: ApproverContext]> | undefined;
  /** The answer of `requestable`. Omitted: the approver lacks this method. */
  requestable?: Scripted<RequestableAnswer | undefined, [subject: string, context: RequestableContext]> | undefined;
}

/** A call that an approver received. */
export type Question =
  | { readonly method: 'decide' | 'membersOf' | 'breakGlass'; readonly request: AccessRequest }
  | { readonly method: 'groupsOf' | 'mayReviewBreakGlass'; readonly reviewer: string; readonly request: AccessRequest }
  | { readonly method: 'groupsOfAll'; readonly reviewer: string; readonly requests: readonly AccessRequest[] }
  | { readonly method: 'requestable'; readonly subject: string }
  | { readonly method: 'isEligible'; readonly when: Eligibility; readonly request: AccessRequest };

/**
 * An approver that answers from a script and records its calls.
 *
 * @example
 * const approver = new ScriptedApprover({
 *   decide: { outcome: 'review', quorum: { groups: [{ name: 'on-call', approvals: 1 }] } },
 *   groupsOf: (reviewer) => (reviewer === 'user:noor' ? ['on-call'] : []),
 * });
 * approver.script.decide = inTurn(throws(new Error('LDAP is down')), { outcome: 'approve' });
 */
export class ScriptedApprover implements Approver {
  readonly name: string;
  /** May be changed at any time. A method that was not scripted at construction stays absent. */
  readonly script: ApproverScript;
  /** All calls so far, in order. */
  readonly questions: Question[] = [];
  declare readonly groupsOf?: (reviewer: string, request: AccessRequest, context?: ApproverContext) => MaybePromise<readonly string[]>;
  declare readonly groupsOfAll?: (
    reviewer: string,
    requests: readonly AccessRequest[],
    context?: ApproverContext,
  ) => MaybePromise<readonly MaybePromise<readonly string[]>[]>;
  declare readonly membersOf?: (request: AccessRequest, context?: ApproverContext) => MaybePromise<readonly string[]>;
  declare readonly isEligible?: (
    request: AccessRequest,
    when: Eligibility,
    context?: ApproverContext,
  ) => MaybePromise<boolean | Ineligibility>;
  declare readonly breakGlass?: (request: AccessRequest, context?: ApproverContext) => MaybePromise<BreakGlassVerdict>;
  declare readonly mayReviewBreakGlass?: (reviewer: string, request: AccessRequest, context?: ApproverContext) => MaybePromise<boolean>;
  declare readonly requestable?: (subject: string, context?: RequestableContext) => MaybePromise<RequestableAnswer | undefined>;

  /**
   * @param script the answers
   * @param name the approver's name. Default: `'scripted'`
   */
  constructor(script: ApproverScript = {}, name = 'scripted') {
    this.name = name;
    this.script = { ...script };
    // Declared, and assigned only if the script has it, because an absent method has a meaning of its own.
    if (script.groupsOf !== undefined) {
      this.groupsOf = (reviewer, request, context) => {
        this.questions.push({ method: 'groupsOf', reviewer, request });
        return answer(this.script.groupsOf ?? [], reviewer, request, context as ApproverContext);
      };
    }
    if (script.groupsOfAll !== undefined) {
      this.groupsOfAll = (reviewer, requests, context) => {
        this.questions.push({ method: 'groupsOfAll', reviewer, requests });
        return answer(this.script.groupsOfAll ?? [], reviewer, requests, context as ApproverContext);
      };
    }
    if (script.membersOf !== undefined) {
      this.membersOf = (request, context) => {
        this.questions.push({ method: 'membersOf', request });
        return answer(this.script.membersOf ?? [], request, context as ApproverContext);
      };
    }
    if (script.isEligible !== undefined) {
      this.isEligible = (request, when, context) => {
        this.questions.push({ method: 'isEligible', when, request });
        return answer(this.script.isEligible ?? false, request, when, context as ApproverContext);
      };
    }
    if (script.breakGlass !== undefined) {
      this.breakGlass = (request, context) => {
        this.questions.push({ method: 'breakGlass', request });
        return answer(this.script.breakGlass ?? { outcome: 'abstain' }, request, context as ApproverContext);
      };
    }
    if (script.mayReviewBreakGlass !== undefined) {
      this.mayReviewBreakGlass = (reviewer, request, context) => {
        this.questions.push({ method: 'mayReviewBreakGlass', reviewer, request });
        return answer(this.script.mayReviewBreakGlass ?? false, reviewer, request, context as ApproverContext);
      };
    }
    if (script.requestable !== undefined) {
      this.requestable = (subject, context) => {
        this.questions.push({ method: 'requestable', subject });
        return answer(this.script.requestable, subject, context as RequestableContext);
      };
    }
  }

  decide(request: AccessRequest, context?: ApproverContext): MaybePromise<Verdict> {
    this.questions.push({ method: 'decide', request });
    return answer(this.script.decide ?? { outcome: 'abstain' }, request, context as ApproverContext);
  }

  /** How often a method was called. */
  asked(method: Question['method']): number {
    return this.questions.filter((question) => question.method === method).length;
  }
}

function answer<Answer, Args extends readonly unknown[]>(scripted: Scripted<Answer, Args>, ...args: Args): MaybePromise<Answer> {
  return typeof scripted === 'function' ? (scripted as (...args: Args) => MaybePromise<Answer>)(...args) : scripted;
}

/** A scripted answer that throws. */
export function throws(error: unknown): () => never {
  return () => {
    throw error;
  };
}

/** A scripted answer that never comes. */
export function hangs(): () => Promise<never> {
  return () => new Promise(() => undefined);
}

/** A scripted answer that breaks the port's types, as an approver written in JavaScript might. */
export function malformed(value: unknown): () => never {
  return () => value as never;
}

/** Gives the answers one after the other, and then repeats the last one. */
export function inTurn<Answer, Args extends readonly unknown[]>(
  ...answers: readonly [Scripted<Answer, Args>, ...Scripted<Answer, Args>[]]
): (...args: Args) => MaybePromise<Answer> {
  let next = 0;
  return (...args) => {
    const scripted = answers[Math.min(next++, answers.length - 1)] as Scripted<Answer, Args>;
    return answer(scripted, ...args);
  };
}
