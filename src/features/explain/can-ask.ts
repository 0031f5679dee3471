import type { AskProblem } from '../../core/ask-problem.js';
import type { Action } from '../../engine/checks/checker.js';
import { EngineChecker } from '../../engine/checks/engine-checker.js';
import type { JitEngine } from '../../engine/engine.js';
import { newId } from '../../kernel/ledger/ids.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import { reasonOfTime } from '../../lifecycle/grant.js';
import { lockableOf } from '../../lifecycle/lock.js';
import { draftRequest } from '../../lifecycle/request.js';
import { beyondLimits } from '../../lifecycle/requirements.js';
import { moment } from '../../lifecycle/transition.js';
import type { AccessRequest } from '../../records/index.js';
import { isLocked, readAsk, type ExplainOptions } from './explain.js';

/**
 * What the rules say about a request of a subject.
 *
 * - `granted`: the approver grants it at once.
 * - `pending`: reviewers decide it.
 * - `requirements`: values are missing or out of bounds: `problems` lists them.
 * - `denied`: a rule denies it or does not allow its window, or no rule covers it.
 * - `ineligible`: the subject has no right to it.
 * - `locked`: a lock on the subject, the requester or the scope refuses it.
 */
export type CanAskOutcome = 'granted' | 'pending' | 'requirements' | 'denied' | 'ineligible' | 'locked';

/** Whether a subject can ask for a scope, and by which rule. */
export interface CanAsk {
  /** Whether a request can lead to access: the outcome is `granted`, `pending` or `requirements`. */
  readonly canAsk: boolean;
  /** What an ask would lead to: see {@link CanAskOutcome}. */
  readonly outcome: CanAskOutcome;
  /** The approver's name for the rule that decides. `undefined`: no rule covers it, or the approver names none. */
  readonly rule: string | undefined;
  /** The approver's reason for a refusal. */
  readonly reason: string | undefined;
  /** The values to give or to correct, in the outcome `requirements`. Otherwise empty. */
  readonly problems: readonly AskProblem[];
  /** The subject of the question. */
  readonly subject: string;
  /** The scope of the question. */
  readonly scope: string;
  /** The clock reading of this answer. Epoch milliseconds. */
  readonly at: number;
}

type Answer = Pick<CanAsk, 'outcome'> & Partial<Pick<CanAsk, 'rule' | 'reason' | 'problems'>>;

/**
 * Whether the subject can ask for this scope, and by which rule. For a button, or for a list of many scopes: it asks the approver and
 * reads the locks, and no request or grant. It records nothing.
 *
 * Gotcha: it knows no limit that depends on other requests, such as `limits.maxOpenRequests` or `limits.askAgainAfter`. The request may
 * still be refused. {@link preview} judges these too.
 *
 * @param options.ask the values of the request. Default: as in {@link explain}
 * @throws ApproverError, StoreError, ClockError, DeadlineError, ClosedError, InvalidArgumentError
 * @example
 * const { outcome, rule } = await canAsk(engine, 'user:maya', 'db-prod:write');
 */
export async function canAsk<Scope extends string>(
  engine: JitEngine<Scope>,
  subject: string,
  action: Action<NoInfer<Scope>>,
  options: ExplainOptions = {},
): Promise<CanAsk> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const about = kernel.part(EngineChecker).read(subject, action);
  const { ask } = readAsk(kernel, about.subject, about.scope, options);
  const { limits } = kernel.settings;
  const request = draftRequest(ask, newId(), limits, [], moment(kernel.clock, ask.requestedBy));
  const {
    outcome,
    rule,
    reason,
    problems = [],
  } = (await isLocked(kernel, 'canAsk', lockableOf(request), request.createdAt))
    ? ({ outcome: 'locked' } as Answer)
    : await askApprover(kernel, request);
  const can = outcome === 'granted' || outcome === 'pending' || outcome === 'requirements';
  return { canAsk: can, outcome, rule, reason, problems, ...about, at: request.createdAt };
}

async function askApprover({ approver, settings, journalClock }: Kernel, request: AccessRequest): Promise<Answer> {
  const { eligible, reason, problems: ofRules } = await approver.mayAsk(request);
  if (!eligible && ofRules.length === 0) return { outcome: 'ineligible', reason };
  const problems = [...beyondLimits(request, settings.limits).map(({ problem }) => problem), ...ofRules];
  if (problems.length > 0) return { outcome: 'requirements', rule: ofRules[0]?.rule, reason, problems };
  // As the commit of the request does (L39).
  await journalClock.confirm();
  const { verdict, rule } = await approver.decide(request, false);
  if (verdict.outcome === 'deny') return { outcome: 'denied', rule, reason: verdict.reason };
  if (verdict.outcome === 'abstain') return { outcome: 'denied' };
  // The engine denies a request whose window the terms of its rule do not allow.
  const against = reasonOfTime({ ...request, terms: verdict.terms }, request.createdAt);
  if (against !== undefined) return { outcome: 'denied', rule, reason: against };
  return { outcome: verdict.outcome === 'approve' ? 'granted' : 'pending', rule };
}
