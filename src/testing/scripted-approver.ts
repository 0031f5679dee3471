import type { Approver, ApproverContext, BreakGlassVerdict, Ineligibility, MaybePromise, Verdict } from '../core/ports.js';
import type { AccessRequest } from '../records/index.js';

type Eligibility = 'creation' | 'approval' | 'start';

/** An answer: the value itself, or a function that gives it, throws, or never settles. */
export type Scripted<Answer, Args extends readonly unknown[]> = Answer | ((...args: Args) => MaybePromise<Answer>);

/** What a {@link ScriptedApprover} answers. What is left out, the approver doesn't have. */
export interface ApproverScript {
  /** Default: `{ outcome: 'abstain' }`. */
  decide?: Scripted<Verdict, [request: AccessRequest, context: ApproverContext]> | undefined;
  groupsOf?: Scripted<readonly string[], [reviewer: string, request: AccessRequest, context: ApproverContext]> | undefined;
  membersOf?: Scripted<readonly string[], [request: AccessRequest, context: ApproverContext]> | undefined;
  isEligible?: Scripted<boolean | Ineligibility, [request: AccessRequest, when: Eligibility, context: ApproverContext]> | undefined;
  breakGlass?: Scripted<BreakGlassVerdict, [request: AccessRequest, context: ApproverContext]> | undefined;
  mayReviewBreakGlass?: Scripted<boolean, [reviewer: string, request: AccessRequest, context: ApproverContext]> | undefined;
}

/** A question that an approver was asked. */
export type Question =
  | { readonly method: 'decide' | 'membersOf' | 'breakGlass'; readonly request: AccessRequest }
  | { readonly method: 'groupsOf' | 'mayReviewBreakGlass'; readonly reviewer: string; readonly request: AccessRequest }
  | { readonly method: 'isEligible'; readonly when: Eligibility; readonly request: AccessRequest };

/**
 * An approver that answers by script and remembers what it was asked.
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
  /** May be changed at any time; a method that was not scripted at the start stays absent. */
  readonly script: ApproverScript;
  /** Every question so far, in order. */
  readonly questions: Question[] = [];
  declare readonly groupsOf?: (reviewer: string, request: AccessRequest, context?: ApproverContext) => MaybePromise<readonly string[]>;
  declare readonly membersOf?: (request: AccessRequest, context?: ApproverContext) => MaybePromise<readonly string[]>;
  declare readonly isEligible?: (
    request: AccessRequest,
    when: Eligibility,
    context?: ApproverContext,
  ) => MaybePromise<boolean | Ineligibility>;
  declare readonly breakGlass?: (request: AccessRequest, context?: ApproverContext) => MaybePromise<BreakGlassVerdict>;
  declare readonly mayReviewBreakGlass?: (reviewer: string, request: AccessRequest, context?: ApproverContext) => MaybePromise<boolean>;

  constructor(script: ApproverScript = {}, name = 'scripted') {
    this.name = name;
    this.script = { ...script };
    // Declared, not defined, and assigned only where the script has it: that a method is absent has a meaning of its own.
    if (script.groupsOf !== undefined) {
      this.groupsOf = (reviewer, request, context) => {
        this.questions.push({ method: 'groupsOf', reviewer, request });
        return answer(this.script.groupsOf ?? [], reviewer, request, context as ApproverContext);
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
  }

  decide(request: AccessRequest, context?: ApproverContext): MaybePromise<Verdict> {
    this.questions.push({ method: 'decide', request });
    return answer(this.script.decide ?? { outcome: 'abstain' }, request, context as ApproverContext);
  }

  /** How often a method was asked. */
  asked(method: Question['method']): number {
    return this.questions.filter((question) => question.method === method).length;
  }
}

function answer<Answer, Args extends readonly unknown[]>(scripted: Scripted<Answer, Args>, ...args: Args): MaybePromise<Answer> {
  return typeof scripted === 'function' ? (scripted as (...args: Args) => MaybePromise<Answer>)(...args) : scripted;
}

/** An answer that throws. */
export function throws(error: unknown): () => never {
  return () => {
    throw error;
  };
}

/** An answer that never comes. */
export function hangs(): () => Promise<never> {
  return () => new Promise(() => undefined);
}

/** An answer that breaks the port's types: what an approver written in JavaScript might say. */
export function malformed(value: unknown): () => never {
  return () => value as never;
}

/** Answers one after the other; the last one stays. */
export function inTurn<Answer, Args extends readonly unknown[]>(
  ...answers: readonly [Scripted<Answer, Args>, ...Scripted<Answer, Args>[]]
): (...args: Args) => MaybePromise<Answer> {
  let next = 0;
  return (...args) => {
    const scripted = answers[Math.min(next++, answers.length - 1)] as Scripted<Answer, Args>;
    return answer(scripted, ...args);
  };
}
