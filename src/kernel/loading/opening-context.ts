import type { Page } from '../../core/ports.js';
import type { Row, RowKey } from '../../core/store-port.js';
import { limitMet, type OpeningContext } from '../../lifecycle/request.js';
import { findDuplicate } from '../../lifecycle/subject.js';
import { moment, SWEEPER } from '../../lifecycle/transition.js';
import { decodeSubject, LOCK_ROW, type AccessRequest } from '../../records/index.js';
import type { CallLimit } from '../call-limit.js';
import type { Kernel } from '../kernel.js';
import { readContext } from '../ledger/read-context.js';
import {
  loadBelowLimit,
  loadChainIds,
  OPEN_PAGE,
  openRequestsOf,
  overlapsOf,
  requestsById,
  requestsOfGrants,
  subjectContextOf,
  type SubjectRows,
} from './context.js';

/** How {@link loadOpeningContext} loads. */
export interface OpeningOptions {
  /** Records nothing. Default: false. */
  readonly dryRun?: boolean;
  /** The call for which it loads: no expiry is recorded once that was answered. */
  readonly limit?: CallLimit | undefined;
  /** The rows, if the caller has read them. */
  readonly rows?: OpeningRows | undefined;
}

/**
 * Loads the context of the rule that opens this request, without the grants that it extends. If a limit would refuse the request,
 * the engine records expiries first, as {@link loadIssueContext} does.
 */
export function loadOpeningContext(
  kernel: Kernel,
  request: AccessRequest,
  { dryRun = false, limit, rows }: OpeningOptions,
): Promise<Omit<OpeningContext, 'origins'>> {
  const { limits } = kernel.settings;
  let known = rows;
  return loadBelowLimit(
    kernel,
    async () => {
      const read = known ?? (await readOpeningRows(kernel, request));
      known = undefined;
      return openingContextOf(kernel, request, read);
    },
    (loaded) => {
      const now = moment(kernel.clock, SWEEPER);
      return findDuplicate(request, loaded.open, loaded, now) === undefined && limitMet(request, limits, loaded, now) !== undefined;
    },
    dryRun,
    limit,
  );
}

async function openingContextOf(kernel: Kernel, request: AccessRequest, rows: OpeningRows): Promise<Omit<OpeningContext, 'origins'>> {
  const { subject, scopes } = request;
  const overlaps = overlapsOf(kernel);
  const requester = rows.requester && decodeSubject(rows.requester);
  const context = subjectContextOf(kernel, subject, rows);
  const overlapping = context.live.filter(({ grant }) => scopes.some((scope) => overlaps(grant.scope, scope)));
  // An amended request ends in the commit that opens this one.
  const isCounted = ({ id }: AccessRequest): boolean => id !== request.replaces;
  return {
    ...context,
    chains: await loadChainIds(kernel, request),
    given: await requestsOfGrants(kernel, overlapping),
    open: (await openRequestsOf(kernel, subject, undefined, rows.open)).filter(isCounted),
    denied: kernel.settings.limits.askAgainAfterMs !== undefined ? await requestsById(kernel, context.subject?.denied ?? []) : [],
    requester,
    openedForOthers: (await requestsById(kernel, requester?.openedForOthers ?? [])).filter(
      (other) => other.end === undefined && isCounted(other),
    ),
    overlaps,
  };
}

/** The rows by which a request is opened: one question, if the store has `context`. */
export interface OpeningRows extends SubjectRows {
  /** The row of a requester who is not the subject. */
  readonly requester: Row | undefined;
  /** The first page of the subject's open requests. */
  readonly open: Page<Row>;
  /** The rows with `also`, in their order. */
  readonly also: readonly (Row | undefined)[];
}

/** @param also other rows to read in the same question */
export async function readOpeningRows(
  { ledger }: Kernel,
  { subject, requestedBy }: Pick<AccessRequest, 'subject' | 'requestedBy'>,
  also: readonly RowKey[] = [],
): Promise<OpeningRows> {
  const requester = requestedBy === subject ? [] : [{ kind: 'subject', id: requestedBy }];
  const { rows, live, open } = await readContext(ledger, {
    keys: [{ kind: 'subject', id: subject }, LOCK_ROW, ...requester, ...also],
    live: { subject, at: 0 },
    open: { kind: 'request', subject, limit: OPEN_PAGE },
  });
  const others = 2 + requester.length;
  return {
    subject: rows[0],
    locks: rows[1],
    requester: requester.length === 0 ? undefined : rows[2],
    live,
    open,
    also: rows.slice(others),
  };
}
