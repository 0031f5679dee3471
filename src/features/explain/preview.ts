import type { AskProblem } from '../../core/ask-problem.js';
import { isJitError, type JitErrorCode } from '../../core/errors.js';
import type { AccessResult } from '../../engine/answers.js';
import type { JitEngine } from '../../engine/engine.js';
import { accessResultOf, readRequest } from '../../engine/requests/access-result.js';
import { parseAccessAsk, type AccessAsk, type ParsedAsk, type RunAsk, type WithWindow } from '../../engine/requests/ask.js';
import { decidedBy, draftOf, openingContext } from '../../engine/requests/draft.js';
import { idFor, requestOfKey } from '../../engine/requests/keys.js';
import { kernelOf } from '../../kernel/kernel-of.js';
import type { Kernel } from '../../kernel/kernel.js';
import { loadIssueContext } from '../../kernel/loading/context.js';
import { RefusalLog } from '../../kernel/refusal-log.js';
import { isRefusal } from '../../kernel/refusal-throttle.js';
import { differencesFrom, type Ask } from '../../lifecycle/ask.js';
import { applyVerdict } from '../../lifecycle/decision.js';
import { openRequest } from '../../lifecycle/request.js';
import { moment } from '../../lifecycle/transition.js';

/** The result that an ask would have now. */
export type AccessPreview =
  | (AccessResult & { readonly dryRun: true })
  | {
      /** Always `true`: no request was made. */
      readonly dryRun: true;
      /** The engine would refuse the ask and record only the attempt. */
      readonly outcome: 'refused';
      /** The code of the error that the ask would get. */
      readonly code: JitErrorCode;
      /** The message of that error. */
      readonly reason: string;
      /** What to correct, where the code is `ERR_JIT_REQUIREMENTS`. Otherwise empty. */
      readonly problems: readonly AskProblem[];
    };

/**
 * The result that an ask would have now: the outcome, the rule, and who may review. It judges every limit and every rule, as
 * `requestAccess` does, and creates no request. A refusal is an answer, with the outcome `refused`.
 *
 * It stores only the count of previews, because the answer names who may review: an `attempt.refused` entry with code `dry_run`.
 *
 * @param ask the argument of `requestAccess`
 * @throws InvalidArgumentError, ApproverError, StoreError, ClockError, DeadlineError, ClosedError
 * @example
 * const { outcome } = await preview(engine, { subject: 'user:maya', scope: 'db-prod:write', ttl: '30m' });
 */
export async function preview<Scope extends string, Window = undefined>(
  engine: JitEngine<Scope>,
  ask: WithWindow<AccessAsk<NoInfer<Scope>> | RunAsk<NoInfer<Scope>>, Window>,
): Promise<AccessPreview> {
  const kernel = kernelOf(engine);
  kernel.refuseIfClosed();
  const read = parseAccessAsk(kernel.settings, ask);
  kernel.part(RefusalLog).dryRun({ actor: read.by, scopes: read.ask.scopes });
  return previewRequest(kernel, read);
}

/** Runs `requestAccess` up to the commit, without writing. Returns a refusal as a value, and throws a failure. */
export async function previewRequest(kernel: Kernel, { ask, by, key }: ParsedAsk): Promise<AccessPreview> {
  const now = () => moment(kernel.clock, by);
  try {
    const id = idFor(kernel, ask, key, 'requestAccess');
    const before = key === undefined ? undefined : await requestOfKey(kernel, id, ask);
    if (before !== undefined) return await previewRepeat(kernel, before, ask);
    const draft = await draftOf(kernel, id, ask);
    const context = await openingContext(kernel, draft, { dryRun: true });
    const { request } = draft;
    const openedId = openRequest(ask, id, key !== undefined, kernel.settings.limits, context, now()).result;
    if (openedId !== id) return await previewRepeat(kernel, openedId, ask);
    await kernel.journalClock.confirm();
    const verdict = await kernel.approver.decide(request, false);
    const issueContext = await loadIssueContext(kernel, request, { dryRun: true, decided: decidedBy(verdict) });
    const reading = now();
    const decided = applyVerdict(request, verdict, issueContext, reading, kernel.settings.limits).result;
    // The engine issued nothing, so nothing allows.
    return { ...(await accessResultOf(kernel, decided, 'pending', reading)), allowed: false, dryRun: true };
  } catch (error) {
    if (!isJitError(error) || !isRefusal(error.code)) throw error;
    const problems = error.code === 'ERR_JIT_REQUIREMENTS' ? error.problems : [];
    return { dryRun: true, outcome: 'refused', code: error.code, reason: error.message, problems };
  }
}

async function previewRepeat(kernel: Kernel, id: string, ask: Ask): Promise<AccessPreview> {
  const { request, status } = await readRequest(kernel, id);
  const result = await accessResultOf(kernel, { request, grants: undefined }, status);
  return { ...result, reused: true, differs: differencesFrom(ask, request), dryRun: true };
}
