import { PartialError, type EndFailure } from '../../core/errors.js';
import { cancelRequest, type CancelCommand } from '../../lifecycle/decision.js';
import { endGrant, releaseGrants, type ChainedUse, type EndCommand, type ExtensionChain } from '../../lifecycle/extension-chain.js';
import { grantIds } from '../../lifecycle/grant.js';
import type { Extended } from '../../lifecycle/ask.js';
import { moment, noChange } from '../../lifecycle/transition.js';
import type { Page } from '../../core/ports.js';
import type { Row } from '../../core/store-port.js';
import type { AccessRequest, StoredRecord } from '../../records/index.js';
import { loadChain, loadChains, OPEN_PAGE } from '../../kernel/loading/context.js';
import { readContext } from '../../kernel/ledger/read-context.js';
import type { GrantUse } from '../../lifecycle/status.js';
import { fitsChange, fitting } from '../../kernel/ledger/fits-change.js';
import type { EndedRecords } from '../answers.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { EndTally } from './end-tally.js';
import { endedWithStatus, type GrantWithStatus, type RequestWithStatus } from '../with-status.js';

/** Ends a grant and its chain. @throws PartialError if a later grant of the chain cannot be read, and so was not ended */
export async function endAccess(
  kernel: Kernel,
  id: string,
  actor: string,
  command: EndCommand,
  limit: CallLimit | undefined,
): Promise<GrantWithStatus> {
  const { grant, written, failures } = await endWithChain(kernel, id, actor, command, limit);
  if (written.length === 0) await kernel.ledger.confirmDurable();
  if (failures.length === 0) return endedWithStatus(grant);
  const tally = new EndTally();
  tally.addWritten(written);
  throw new PartialError(tally.ended, failures);
}

/** Releases a grant, or the grants of a request. @throws DeniedError, UndecidedError, PartialError */
export async function releaseAccess(
  kernel: Kernel,
  released: Extended,
  { by, reason }: { readonly by: string; readonly reason: string | undefined },
  limit: CallLimit | undefined,
): Promise<GrantWithStatus | EndedRecords> {
  if (typeof released === 'string') return endAccess(kernel, released, by, { cause: 'released', reason }, limit);
  return releaseBundle(kernel, released.requestId, by, reason, limit);
}

/**
 * Releases the grants of a request and their chains, in one change. If one change cannot hold that (L42), the grants end one
 * after the other, in the order of the request.
 *
 * @throws PartialError if a grant could not be read or ended
 */
async function releaseBundle(
  kernel: Kernel,
  id: string,
  actor: string,
  reason: string | undefined,
  limit: CallLimit | undefined,
): Promise<EndedRecords> {
  const { ledger, clock } = kernel;
  const tally = new EndTally(limit);
  const pass = async () => {
    tally.beginPass();
    const request = await ledger.request(id);
    const grants = await loadBundle(kernel, request, tally);
    const step = releaseGrants(request, grants, reason, moment(clock, actor));
    if (fitsChange(kernel, step)) return { ...step, result: step.put };
    for (const { use } of grants) await endAndTally(kernel, use.grant.id, actor, { cause: 'released', reason }, tally);
    return noChange([]);
  };
  let put: readonly StoredRecord[];
  do {
    put = await ledger.run(pass, { retriesLonger: true, limit: tally.limit });
    tally.addWritten(put);
  } while (mayHaveGrown(put));
  await confirmEnds(kernel, tally);
  return tally.report();
}

/** The grants of a request, each with its chain. The tally gets the unreadable ones. */
async function loadBundle(kernel: Kernel, request: AccessRequest, tally: EndTally): Promise<readonly ChainedUse[]> {
  if (request.end?.status !== 'approved') return [];
  const onUnreadable = (row: Row, error: unknown): void => tally.fail('grant', row.id, error);
  const uses = await kernel.ledger.grantsWithUsage(grantIds(request), onUnreadable);
  const chains = await loadChains(
    kernel,
    uses.map(({ grant }) => grant),
    onUnreadable,
  );
  return uses.map((use, i) => ({ use, chain: chains[i] as ExtensionChain }));
}

/** A request that a caller cancelled, or that had ended before. */
export interface CancelResult extends RequestWithStatus {
  /** Whether this call cancelled it. `false`: it was cancelled before, or it has expired. */
  readonly cancelled: boolean;
}

/** Cancels a request, for its requester or its subject, for `revokeAll`, or for a lock. */
export async function cancelAccessRequest(
  { ledger, clock }: Kernel,
  id: string,
  actor: string,
  command: CancelCommand,
  limit?: CallLimit,
): Promise<CancelResult> {
  const cancel = async () => {
    const step = cancelRequest(await ledger.request(id), command, moment(clock, actor));
    const { request } = step.result;
    return { ...step, result: { request, cancelled: step.put.length > 0 && request.end?.status === 'cancelled' } };
  };
  const { request, cancelled } = await ledger.run(cancel, { retriesLonger: command.cause !== 'cancelled', durably: true, limit });
  return Object.freeze({ ...endedWithStatus(request), cancelled });
}

/** Ends a grant and its chain, and counts the result. @returns whether anything was written */
export async function endAndTally(kernel: Kernel, id: string, actor: string, command: EndCommand, tally: EndTally): Promise<boolean> {
  try {
    const { written, failures } = await endWithChain(kernel, id, actor, command, tally.limit);
    tally.addWritten(written);
    for (const failure of failures) tally.fail(failure.kind, failure.id, failure.error);
    return written.length > 0;
  } catch (error) {
    tally.fail('grant', id, error);
    return false;
  }
}

/** Confirms ends that another caller wrote: the passes write nothing for them, and they may not be durable yet. */
export async function confirmEnds({ ledger }: Kernel, tally: EndTally): Promise<void> {
  await ledger.confirmDurable().catch((error: unknown) => tally.fail('grant', undefined, error));
}

/** @returns the grant, all records that were written with it, and the unreadable grants of its chain */
async function endWithChain(kernel: Kernel, id: string, actor: string, command: EndCommand, limit: CallLimit | undefined) {
  const written: StoredRecord[] = [];
  for (;;) {
    const { grant, put, failures, isLast } = await kernel.ledger.run(() => endPass(kernel, id, actor, command), {
      retriesLonger: true,
      limit: written.length === 0 ? limit : undefined,
    });
    written.push(...put);
    if (isLast) return { grant, written, failures };
  }
}

/** Ends a grant, and as much of its chain as one change holds. */
async function endPass(kernel: Kernel, id: string, actor: string, command: EndCommand) {
  const failures: EndFailure[] = [];
  const { use, open } = await readGrant(kernel, id);
  const chain = await loadChain(kernel, use.grant, (row, error) => failures.push({ kind: 'grant', id: row.id, error }), open);
  const now = moment(kernel.clock, actor);
  // The reviews of its requests may be longer than one change. The next pass ends the other requests. In between, they give no
  // access: an approval finds that their grant has ended.
  const step = fitting(kernel, chain.requests, (some) => endGrant(use, { ...chain, requests: some }, command, now));
  const { put } = step;
  const isWhole = chain.requests.every((request) => put.some((record) => record.kind === 'request' && record.id === request.id));
  const isLast = put.length === 0 || (isWhole && !mayHaveGrown(put));
  return { ...step, result: { grant: step.result, put, failures, isLast } };
}

/** A grant, and the first page of the open requests of its subject: one question, if the store has `context`. @throws NotFoundError */
async function readGrant({ ledger }: Kernel, id: string): Promise<{ readonly use: GrantUse; readonly open: Page<Row> }> {
  const key = { kind: 'grant', id };
  const { rows, open } = await readContext(ledger, {
    keys: [key, { kind: 'usage', id }],
    open: { kind: 'request', subject: { subjectOf: key }, limit: OPEN_PAGE },
  });
  return { use: ledger.grantUseOf(id, rows), open };
}

/**
 * An expired grant can be extended until its end is recorded, so an extension may have opened while the chain was read. Once the end is
 * recorded, no further one can open. So another pass finds all of them.
 */
const mayHaveGrown = (put: readonly StoredRecord[]): boolean =>
  put.some((record) => record.kind === 'grant' && record.end?.status === 'expired');
