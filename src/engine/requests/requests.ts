import { IdempotencyError } from '../../core/errors.js';
import type { RequestWithGrants } from '../../lifecycle/grant.js';
import { isUndecided, applyVerdict } from '../../lifecycle/decision.js';
import { asksForTheSame, differencesFrom, digestOfAsk, type Ask } from '../../lifecycle/ask.js';
import { draftRequest, openRequest, type OpeningContext } from '../../lifecycle/request.js';
import { beyondLimits, refusalOf, refuseUnmet } from '../../lifecycle/requirements.js';
import { noteDenial } from '../../lifecycle/same-ask.js';
import { requestStatus, type RequestStatus } from '../../lifecycle/status.js';
import { APPROVER, moment, noChange } from '../../lifecycle/transition.js';
import type { ParsedVerdict } from '../../lifecycle/verdict.js';
import { decodeRequest, decodeReuse, type AccessRequest } from '../../records/index.js';
import type { ClockReading } from '../../core/clock.js';
import { accessResultOf } from './access-result.js';
import type { AccessResult, WaitAnswer } from '../answers.js';
import type { ParsedAsk } from './ask.js';
import { loadDenialContext, loadIssueContext, loadOpeningContext } from '../../kernel/loading/context.js';
import { loadOrigins } from './extension.js';
import { derivedId, newId } from '../../kernel/ledger/ids.js';
import { afterRecording } from '../../kernel/approver/after-record.js';
import type { Kernel } from '../../kernel/kernel.js';

export { loadExtended, namedIn } from './extension.js';

/** A verb that takes an idempotency key. The same key under two verbs names two requests (L11). */
type AskVerb = 'requestAccess' | 'extend';

/** Records a request, and has the approver decide it. */
export async function requestAccess(kernel: Kernel, parsed: ParsedAsk, verb: AskVerb): Promise<AccessResult> {
  const { ask, key } = parsed;
  const id = idFor(kernel, ask, key, verb);
  const findRepeated = async () => (key === undefined ? undefined : requestOfKey(kernel, id, ask));
  const before = await findRepeated();
  const opened = before === undefined ? await recordRequest(kernel, id, parsed, findRepeated) : { id: before, reused: true };
  const result = await afterRecording(opened.id, () => decideRequest(kernel, opened.id));
  return { ...result, reused: opened.reused, differs: opened.reused ? differencesFrom(ask, result.request) : [] };
}

/** Asks the approver if it has not answered yet, applies its verdict, and returns the state of the request. */
export async function decideRequest(kernel: Kernel, id: string): Promise<AccessResult> {
  const { approver, clock, ledger, settings } = kernel;
  let status: RequestStatus = 'pending';
  let reading: ClockReading | undefined;
  const decided = await ledger.runDurably(async () => {
    const { request, status: current } = await readRequest(kernel, id);
    status = current;
    // The engine asks nothing about a request that has expired, even before a sweep records the expiry.
    if (!isUndecided(request) || status !== 'pending') return noChange<RequestWithGrants>({ request, grants: undefined });
    const answer = await approver.decide(request);
    const { outcome } = answer.verdict;
    const issueContext = outcome === 'approve' ? await loadIssueContext(kernel, request, { decided: decidedBy(answer) }) : undefined;
    const denialContext = outcome === 'review' ? undefined : await loadDenialContext(kernel, request);
    const now = moment(clock, APPROVER);
    reading = now;
    return noteDenial(applyVerdict(request, answer, issueContext, now, settings.limits), denialContext, settings.denialsShownMs, now);
  });
  return accessResultOf(kernel, decided, status, reading);
}

/** The approver and the terms of an answer. */
export const decidedBy = ({ approver, verdict }: ParsedVerdict) => ({ approver, terms: 'terms' in verdict ? verdict.terms : undefined });

/** The state of a request without asking the approver: its result, recorded or by expiry, or its review deadline. */
export async function requestOutcome(kernel: Kernel, id: string): Promise<WaitAnswer<AccessResult>> {
  const { request, status } = await readRequest(kernel, id);
  const result = status === 'pending' ? undefined : await accessResultOf(kernel, { request, grants: undefined }, status);
  return { result, reviewBy: request.reviewBy };
}

/**
 * Finds the request that an earlier call with the same key made.
 *
 * @param id derived from the key
 * @returns the id of that request, or of the request that the earlier call repeated. `undefined`: there is no such request
 * @throws IdempotencyError if the key was used for another ask
 */
export async function requestOfKey(kernel: Kernel, id: string, ask: Ask): Promise<string | undefined> {
  const [request, reuse] = await kernel.ledger.rows([
    { kind: 'request', id },
    { kind: 'reuse', id },
  ]);
  if (request !== undefined) {
    if (!asksForTheSame(decodeRequest(request), ask)) throw new IdempotencyError(id);
    return id;
  }
  if (reuse === undefined) return undefined;
  const { askDigest, requestId } = decodeReuse(reuse);
  if (askDigest !== digestOfAsk(ask, ask.extends)) throw new IdempotencyError(requestId);
  return requestId;
}

export const idFor = ({ ledger }: Kernel, ask: Ask, key: string | undefined, verb: AskVerb): string =>
  key === undefined ? newId() : derivedId(ledger.store.namespace, verb, ask.requestedBy, key);

/**
 * Records the request, unless it repeats a request of the subject, or `findRepeated` finds one. Each try checks again
 * whether the request may be made.
 *
 * @returns the id of the recorded request, and whether that request existed before
 */
async function recordRequest(
  kernel: Kernel,
  id: string,
  { ask, by, key }: ParsedAsk,
  findRepeated: () => Promise<string | undefined>,
): Promise<{ readonly id: string; readonly reused: boolean }> {
  let repeated: string | undefined;
  const openedId = await kernel.ledger.run<string>(async () => {
    const context = await openingContext(kernel, ask, await draftOf(kernel, id, ask), false);
    // Looks for a repeat after all other reads: a concurrent call with the same key may have made the request that refuses this one.
    repeated = await findRepeated();
    if (repeated !== undefined) return noChange(repeated);
    return openRequest(ask, id, key !== undefined, kernel.settings.limits, context, moment(kernel.clock, by));
  });
  return { id: openedId, reused: repeated !== undefined || openedId !== id };
}

/**
 * The request as the engine would record it.
 *
 * @throws IneligibleError if the subject has no right to it
 * @throws RequirementsError if values of the ask exceed the engine's limits, or do not meet the approver's rules
 */
export async function draftOf(kernel: Kernel, id: string, ask: Ask): Promise<AccessRequest> {
  const { limits } = kernel.settings;
  const request = draftRequest(ask, id, limits, await loadOrigins(kernel, ask), moment(kernel.clock, ask.requestedBy));
  const answer = await kernel.approver.mayAsk(request);
  if (!answer.eligible) throw refusalOf(request, answer, limits);
  refuseUnmet(request, beyondLimits(request, limits));
  return request;
}

/** The records by which a request is opened, with the grants that it extends. */
export async function openingContext(kernel: Kernel, ask: Ask, request: AccessRequest, dryRun: boolean): Promise<OpeningContext> {
  return { ...(await loadOpeningContext(kernel, request, { dryRun })), origins: await loadOrigins(kernel, ask) };
}

/**
 * Reads a request and its status. If the deadline passes during the read, it reads again: a row from before the deadline
 * may lack a decision that was made in time.
 */
export async function readRequest(
  { clock, ledger }: Kernel,
  id: string,
): Promise<{ readonly request: AccessRequest; readonly status: RequestStatus }> {
  for (;;) {
    const begun = clock.read().forEnds;
    const request = await ledger.request(id);
    const status = requestStatus(request, clock.read().forEnds);
    if (status === requestStatus(request, begun)) return { request, status };
  }
}
