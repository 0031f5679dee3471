import type { RowKey } from '../core/store-port.js';
import type { AccessRequest, Subject } from '../records/index.js';
import { applyVerdict } from './decision.js';
import type { IssueContext, RequestWithGrants } from './grant.js';
import type { RequestLimits } from './request.js';
import { noteDenial, type DenialContext } from './same-ask.js';
import { APPROVER, combine, type Moment, type Transition, type Writes } from './transition.js';
import type { ParsedVerdict } from './verdict.js';

/** The records by which {@link decideOpened} judges. */
export interface DecidingContext {
  /** Needed for an approval. */
  readonly issue: IssueContext | undefined;
  /** Needed for a denial. */
  readonly denial: DenialContext | undefined;
  readonly limits: RequestLimits;
  readonly denialsShownMs: number;
}

/**
 * Records a request together with the verdict on it: the rows and entries of two transitions, in their order, at one instant. They
 * are those that two commits would write.
 *
 * @param opened the transition that records the request
 * @returns `undefined`: a limit refuses the verdict, which does not prevent the request, so the request is recorded alone
 */
export function decideOpened(
  opened: Writes,
  { request, subject }: { readonly request: AccessRequest; readonly subject: Subject },
  answer: ParsedVerdict,
  { issue, denial, limits, denialsShownMs }: DecidingContext,
  moment: Moment,
): Transition<RequestWithGrants> | undefined {
  const now = { ...moment, actor: APPROVER };
  const verdict = applyVerdict(request, answer, issue && { ...issue, subject }, now, limits);
  const decided = noteDenial(verdict, denial && { ...denial, subject }, denialsShownMs, now);
  const { end } = decided.result.request;
  if (end?.cause === 'limit' || end?.cause === 'origin_ended') return undefined;
  const isIn = (records: Writes['put'], { kind, id }: RowKey) => records.some((record) => record.kind === kind && record.id === id);
  const both = combine(decided.result, [opened, decided]);
  return {
    ...both,
    put: [...opened.put.filter((record) => !isIn(decided.put, record)), ...decided.put],
    twice: decided.put.filter((record) => isIn(opened.put, record)),
    // The change expects the rows that it writes anyway.
    dependsOn: both.dependsOn.filter((read) => !isIn(decided.put, read)),
  };
}
