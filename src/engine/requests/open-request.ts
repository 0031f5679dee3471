import { isJitError, OutcomeUnknownError } from '../../core/errors.js';
import type { ClockReading } from '../../core/clock.js';
import type { AskTurns } from '../../kernel/ask-order.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { fitsChange } from '../../kernel/ledger/fits-change.js';
import { ownsContext } from '../../kernel/ledger/read-context.js';
import { loadDenialContext, loadIssueContext } from '../../kernel/loading/context.js';
import { readOpeningRows, type OpeningRows } from '../../kernel/loading/opening-context.js';
import { decideOpened, type DecidingContext } from '../../lifecycle/decide-at-once.js';
import type { RequestWithGrants } from '../../lifecycle/grant.js';
import { openRequest, type OpeningContext } from '../../lifecycle/request.js';
import type { DenialContext } from '../../lifecycle/same-ask.js';
import type { SubjectContext } from '../../lifecycle/subject.js';
import { moment, noChange, type Transition } from '../../lifecycle/transition.js';
import type { ParsedVerdict } from '../../lifecycle/verdict.js';
import type { AccessRequest, Grant, Subject } from '../../records/index.js';
import type { ParsedAsk } from './ask.js';
import { decidedBy, draftOf, openingContext, type Draft } from './draft.js';
import { keysOf, repeatedBy, requestOfKey } from './keys.js';

/** A request that this process has just recorded, with the rows of its subject. Its commit was answered at the first attempt. */
export interface OwnRows {
  readonly request: AccessRequest;
  readonly context: SubjectContext;
}

/** The outcome of an ask. */
export interface Opened {
  readonly id: string;
  /** Whether the request existed before. */
  readonly reused: boolean;
  /** The decision that was recorded in the same commit. `undefined`: none, or the commit was sent more than once. */
  readonly decided?: { readonly result: RequestWithGrants; readonly reading: ClockReading } | undefined;
  /** `undefined`: the rows must be read. */
  readonly own?: OwnRows | undefined;
  /** How many turns of the queue had ended when `own` was written. */
  readonly ended: number;
}

/**
 * Records the request, unless it repeats a request of the subject, or one that the key names. Each try checks again whether the
 * request may be made. If the approver decides at once, the same commit records its decision.
 */
export async function recordRequest(
  kernel: Kernel,
  id: string,
  parsed: ParsedAsk,
  turns: AskTurns,
  limit: CallLimit | undefined,
): Promise<Opened> {
  const { ask, key } = parsed;
  const also = key === undefined ? [] : keysOf(id);
  const read = () => readOpeningRows(kernel, ask, also);
  const begun = turns.ended;
  // A repeat asks no approver, so the key is looked up first: in the same question as the other rows, if the store has one.
  let early = key === undefined || !ownsContext(kernel.ledger.store) ? undefined : await read();
  const before = early === undefined ? await repeatedOf(kernel, id, parsed) : repeatedBy(early.also, id, ask);
  if (before !== undefined) return { id: before, reused: true, ended: begun };

  const judge = async (draft: Draft, answer: ParsedVerdict | undefined, rows: OpeningRows): Promise<Opening> => {
    const repeated = repeatedBy(rows.also, id, ask);
    if (repeated !== undefined) return noChange({ id: repeated, reused: true });
    return open(kernel, parsed, draft.request, await openingContext(kernel, draft, { limit, rows }), answer, limit);
  };
  let isSent = false;
  const attempt = async (): Promise<Opening> => {
    isSent = false;
    const draft = await draftOf(kernel, id, ask);
    const answer = kernel.approver.decideAtOnce(draft.request);
    await turns.begin();
    const known = turns.ended === begun ? early : undefined;
    early = undefined;
    const step = (known && (await judgedEarly(() => judge(draft, answer, known)))) ?? (await judge(draft, answer, await read()));
    isSent = true;
    return step;
  };
  try {
    const { result, sent } = await kernel.ledger.runSent(attempt, { limit, onTried: turns.end });
    return { ...(sent === 'answered' ? result : { id: result.id, reused: result.reused }), ended: turns.ended };
  } catch (error) {
    if (!isJitError(error)) throw error;
    if (isSent && error.code === 'ERR_JIT_OUTCOME_UNKNOWN') throw new OutcomeUnknownError(error.changeId, error, id, true);
    // A store without `context` reads the key first. A concurrent call under the key may then have made the request that meets the limit.
    const repeated = error.code === 'ERR_JIT_LIMIT' ? await repeatedOf(kernel, id, parsed) : undefined;
    if (repeated === undefined) throw error;
    return { id: repeated, reused: true, ended: turns.ended };
  }
}

const repeatedOf = async (kernel: Kernel, id: string, { ask, key }: ParsedAsk): Promise<string | undefined> =>
  key === undefined ? undefined : requestOfKey(kernel, id, ask);

type Opening = Transition<Omit<Opened, 'ended'>>;

/**
 * A judgement by rows that were read before the approver answered. Only the commit shows whether they are current, so a refusal does not
 * count, nor does a repeat: its commit expects no row of the subject.
 */
async function judgedEarly(judge: () => Promise<Opening>): Promise<Opening | undefined> {
  try {
    const step = await judge();
    return step.result.reused ? undefined : step;
  } catch {
    return undefined;
  }
}

async function open(
  kernel: Kernel,
  { ask, by, key }: ParsedAsk,
  draft: AccessRequest,
  context: OpeningContext,
  answer: ParsedVerdict | undefined,
  limit: CallLimit | undefined,
): Promise<Opening> {
  const { limits, denialsShownMs } = kernel.settings;
  const { id } = draft;
  const deciding = answer && (await decidingContext(kernel, draft, context, answer, limit));
  const reading = moment(kernel.clock, by);
  const opened = openRequest(ask, id, key !== undefined, limits, context, reading);
  const request = opened.put.find((record) => record.kind === 'request');
  const subject = opened.put.find((record): record is Subject => record.kind === 'subject' && record.id === ask.subject);
  if (request === undefined || subject === undefined) return { ...opened, result: { id: opened.result, reused: true } };
  const decided =
    answer &&
    deciding &&
    asksTheSame(draft, request) &&
    whatFits(kernel, () => decideOpened(opened, { request, subject }, answer, { ...deciding, limits, denialsShownMs }, reading));
  if (decided) return { ...decided, result: { id, reused: false, decided: { result: decided.result, reading } } };
  return { ...opened, result: { id, reused: false, own: { request, context: { ...context, subject } } } };
}

/** Whether a verdict on the draft is one on the request. A grant that time has ended since the draft is no longer extended. */
const asksTheSame = (draft: AccessRequest, { scopes, extension }: AccessRequest): boolean =>
  JSON.stringify([draft.scopes, draft.extension]) === JSON.stringify([scopes, extension]);

/** Reads the records for the decision, before the clock. `undefined`: the rows of the subject, or a grant to extend, have changed in between. */
async function decidingContext(
  kernel: Kernel,
  draft: AccessRequest,
  known: OpeningContext,
  answer: ParsedVerdict,
  limit: CallLimit | undefined,
): Promise<Pick<DecidingContext, 'issue' | 'denial'> | undefined> {
  const { outcome } = answer.verdict;
  const issue = outcome === 'approve' ? await loadIssueContext(kernel, draft, { decided: decidedBy(answer), known, limit }) : undefined;
  const isChanged = (grant: Grant | undefined) =>
    known.origins.some((use) => use.grant.id === grant?.id && use.grant.version !== grant.version);
  if (issue !== undefined && (issue.subject !== known.subject || issue.origins.some(isChanged))) return undefined;
  return { issue, denial: await denialContextOf(kernel, draft, outcome, known) };
}

/** What the decision of an approver needs, if it may deny. A limit may refuse an approval, which is no denial. */
export async function denialContextOf(
  kernel: Kernel,
  request: AccessRequest,
  outcome: ParsedVerdict['verdict']['outcome'],
  known?: Pick<SubjectContext, 'subject'>,
): Promise<DenialContext | undefined> {
  const mayDeny = outcome === 'deny' || outcome === 'abstain' || request.extension?.breakGlass === true;
  return mayDeny && outcome !== 'review' ? loadDenialContext(kernel, request, known) : undefined;
}

/** The decision, if it fits into the change that records the request. A throw, such as the limit of holders, refuses only the decision. */
function whatFits(kernel: Kernel, decide: () => Transition<RequestWithGrants> | undefined): Transition<RequestWithGrants> | undefined {
  try {
    const decided = decide();
    return decided !== undefined && fitsChange(kernel, decided) ? decided : undefined;
  } catch {
    // The engine asks again once the request is recorded. The error then carries its id.
    return undefined;
  }
}
