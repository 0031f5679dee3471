import { breakGlass as takeAccess, type Debtors } from '../../lifecycle/break-glass.js';
import { draftRequest } from '../../lifecycle/request.js';
import { refusalOf, type Refusal } from '../../lifecycle/requirements.js';
import { moment, noChange, type Moment, type Transition } from '../../lifecycle/transition.js';
import type { AccessRequest, Subject } from '../../records/index.js';
import { loadIssueContext, openRequestsOf, requestsById } from '../../kernel/loading/context.js';
import { fitsChange, fitting, refuseTooLarge } from '../../kernel/ledger/fits-change.js';
import { derivedId, newId } from '../../kernel/ledger/ids.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { afterRecording } from '../../kernel/approver/after-record.js';
import { issuedAccess, readAccess } from '../requests/access-result.js';
import type { AccessGranted, AccessResult } from '../answers.js';
import type { ParsedAsk } from '../requests/ask.js';
import { requestOfKey } from '../requests/keys.js';
import { endedWithStatus } from '../with-status.js';

/** Break-glass access is approved when it is requested. Under a used key, it may have ended since. */
export type BreakGlassResult = AccessResult & { readonly outcome: AccessGranted['outcome'] };

const REPEATED: Transition<undefined> = /* @__PURE__ */ noChange(undefined);

const NO_RULE: Refusal = { reason: 'no rule allows break-glass for it', problems: [] };

/** Gives access at once. A reviewer must review this access afterwards. */
export async function breakGlass(kernel: Kernel, parsed: ParsedAsk, limit: CallLimit | undefined): Promise<BreakGlassResult> {
  const { ask, key } = parsed;
  const { ledger } = kernel;
  const id = key === undefined ? newId() : derivedId(ledger.store.namespace, 'breakGlass', ask.requestedBy, key);
  const isRepeated = async () => key !== undefined && (await requestOfKey(kernel, id, ask)) !== undefined;
  const take = async () => ((await isRepeated()) ? REPEATED : attempt(kernel, id, parsed, isRepeated, limit));
  const { result: taken, sent } = await ledger.runSent<BreakGlassResult | undefined>(take, { limit });
  if (taken !== undefined && sent === 'answered') return taken;
  // After a resend, a revoke may have followed the attempt that applied the change.
  return { ...(await afterRecording(id, () => repeated(kernel, id))), reused: taken === undefined };
}

/** The current state of the access that a used key identifies. */
async function repeated(kernel: Kernel, id: string): Promise<BreakGlassResult> {
  const { ledger } = kernel;
  const request = await ledger.request(id);
  const access = await readAccess(kernel, request);
  await ledger.confirmDurable();
  return { ...access, reused: true, differs: [], request: endedWithStatus(request) };
}

async function attempt(
  kernel: Kernel,
  id: string,
  { ask, by }: ParsedAsk,
  isRepeated: () => Promise<boolean>,
  limit: CallLimit | undefined,
): Promise<Transition<BreakGlassResult | undefined>> {
  const { limits } = kernel.settings;
  const now = (): Moment => moment(kernel.clock, by);
  const draft = draftRequest(ask, id, limits, [], now());
  const answer = await kernel.approver.breakGlass(draft);
  const { verdict } = answer;
  if (verdict.outcome !== 'approve') throw refusalOf(draft, verdict.outcome === 'deny' ? verdict : NO_RULE, limits);
  const debtors = await loadDebtors(kernel, draft);
  const context = {
    ...(await loadIssueContext(kernel, draft, { isBreakGlass: true, decided: { approver: answer.approver, terms: verdict.terms }, limit })),
    limits,
    open: await openRequestsOf(kernel, ask.subject),
    covers: (taken: string, scope: string) => kernel.settings.scopes.covers(taken, scope),
  };
  // Looks for a repeat again after all reads: the pending review may belong to a concurrent call with the same key.
  if (await isRepeated()) return REPEATED;
  const reading = now();
  const take = (part: Partial<typeof context>) => takeAccess(ask, id, { ...answer, verdict }, debtors, { ...context, ...part }, reading);
  // Long texts, many reviews and many holders must not prevent the access: it overtakes as many pending requests as fit, and counts
  // under `maxHolders` if that fits too.
  const counted = fitting(kernel, context.open, (open) => take({ open }));
  const transition = fitsChange(kernel, counted) ? counted : refuseTooLarge(kernel, take({ open: [], holders: new Map() }));
  const { request, grants = [] } = transition.result;
  return { ...transition, result: { ...issuedAccess(grants, reading), reused: false, differs: [], request: endedWithStatus(request) } };
}

/** Loads the subject and the requester, whose pending reviews count against this request. */
export async function loadDebtors(
  kernel: Kernel,
  { subject, requestedBy }: Pick<AccessRequest, 'subject' | 'requestedBy'>,
): Promise<Debtors> {
  const own: Subject | undefined = await kernel.ledger.subject(subject);
  const requester = requestedBy === subject ? own : await kernel.ledger.subject(requestedBy);
  const ids = new Set([...(own?.unreviewed ?? []), ...(requester?.unreviewed ?? [])]);
  const unreviewed = new Map((await requestsById(kernel, [...ids])).map((request) => [request.id, request]));
  return { subject: own, requester, unreviewed };
}
