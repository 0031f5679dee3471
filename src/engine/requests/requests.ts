import type { RequestWithGrants } from '../../lifecycle/grant.js';
import { isUndecided, applyVerdict } from '../../lifecycle/decision.js';
import { differencesFrom } from '../../lifecycle/ask.js';
import { lockableOf, refuseIfLocked } from '../../lifecycle/lock.js';
import { noteDenial } from '../../lifecycle/same-ask.js';
import { requestStatus, type RequestStatus } from '../../lifecycle/status.js';
import { APPROVER, moment, noChange, type Transition } from '../../lifecycle/transition.js';
import type { ClockReading } from '../../core/clock.js';
import { accessResultOf, committedResult, readRequest } from './access-result.js';
import type { AccessResult, WaitAnswer } from '../answers.js';
import type { ParsedAsk } from './ask.js';
import { AskOrder, type AskTurns } from '../../kernel/ask-order.js';
import { loadIssueContext } from '../../kernel/loading/context.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import { decidedBy } from './draft.js';
import { idFor, type AskVerb } from './keys.js';
import { afterRecording } from '../../kernel/approver/after-record.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { denialContextOf, recordRequest, type Opened } from './open-request.js';

export { loadExtended, namedIn } from './extension.js';

/** Records a request, and has the approver decide it. */
export async function requestAccess(kernel: Kernel, parsed: ParsedAsk, verb: AskVerb, limit?: CallLimit): Promise<AccessResult> {
  const { ask, key } = parsed;
  const id = idFor(kernel, ask, key, verb);
  const turns = kernel.part(AskOrder).join(ask);
  try {
    const opened = await recordRequest(kernel, id, parsed, turns, limit);
    const result = await afterRecording(opened.id, () =>
      opened.decided === undefined
        ? decideRequest(kernel, opened.id, limit, opened.reused ? undefined : { turns, opened })
        : accessResultOf(kernel, opened.decided.result, 'pending', opened.decided.reading),
    );
    return { ...result, reused: opened.reused, differs: opened.reused ? differencesFrom(ask, result.request) : [] };
  } finally {
    turns.leave();
  }
}

/** An ask that has recorded the request to decide, and its turns. */
interface DecidedAsk {
  readonly turns: AskTurns;
  readonly opened: Opened;
}

/**
 * Asks the approver if it has not answered yet, applies its verdict, and returns the state of the request.
 *
 * @param by the ask that has just recorded it. Without it, the engine reads the request, and takes no turn
 */
export async function decideRequest(kernel: Kernel, id: string, limit?: CallLimit, by?: DecidedAsk): Promise<AccessResult> {
  const { approver, clock, settings } = kernel;
  let own = by?.opened.own;
  let status: RequestStatus = 'pending';
  let reading: ClockReading | undefined;
  const decide = async (): Promise<Transition<RequestWithGrants>> => {
    // Only at the first try: a conflict shows that the own rows are not current.
    const written = own;
    own = undefined;
    const { request, status: current } =
      written === undefined
        ? await readRequest(kernel, id)
        : { request: written.request, status: requestStatus(written.request, clock.read().forEnds) };
    status = current;
    // A lock that was set since this call recorded the request. The sweep has no caller to refuse.
    if (by !== undefined && request.end?.cause === 'locked') {
      refuseIfLocked(await loadLocks(kernel), lockableOf(request), moment(clock, APPROVER));
    }
    // The engine asks nothing about a request that has expired, even before a sweep records the expiry.
    if (!isUndecided(request) || status !== 'pending') return noChange<RequestWithGrants>({ request, grants: undefined });
    const answer = await approver.decide(request);
    const { outcome } = answer.verdict;
    // A review does not write the row of the subject.
    if (outcome !== 'review') await by?.turns.begin();
    const known = by?.turns.ended === by?.opened.ended ? written?.context : undefined;
    const issueContext =
      outcome === 'approve' ? await loadIssueContext(kernel, request, { decided: decidedBy(answer), known, limit }) : undefined;
    const denialContext = await denialContextOf(kernel, request, outcome, known);
    const now = moment(clock, APPROVER);
    reading = now;
    return noteDenial(applyVerdict(request, answer, issueContext, now, settings.limits), denialContext, settings.denialsShownMs, now);
  };
  const committed = await kernel.ledger.runSent(decide, { durably: true, limit, onTried: by?.turns.end });
  return committedResult(kernel, committed, status, reading);
}

/** The state of a request without asking the approver: its result, recorded or by expiry, or its review deadline. */
export async function requestOutcome(kernel: Kernel, id: string): Promise<WaitAnswer<AccessResult>> {
  const { request, status } = await readRequest(kernel, id);
  const result = status === 'pending' ? undefined : await accessResultOf(kernel, { request, grants: undefined }, status);
  return { result, reviewBy: request.reviewBy };
}
