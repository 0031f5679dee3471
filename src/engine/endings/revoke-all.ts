import { ConflictError, isJitError, NotFoundError, type EndFailure } from '../../core/errors.js';
import { invalid, isBlank, readId, readOptions, readText } from '../../core/parse.js';
import { isScope, readPattern } from '../../core/scope.js';
import type { Row } from '../../core/store-port.js';
import { nextTurn } from '../../core/turns.js';
import { anyGrantIds, grantIds } from '../../lifecycle/grant.js';
import { agentOf, decodeGrant, decodeRequest, isReachedBy } from '../../records/index.js';
import type { Ledger } from '../../kernel/ledger/ledger.js';
import { lockOverlaps } from '../../kernel/settings/enforcement.js';
import { decodeEach } from '../../kernel/ledger/ledger-reads.js';
import { refuseAnswered, type CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import type { RevokeAllReport } from '../answers.js';
import { EndTally } from './end-tally.js';
import type { EndTarget } from './end-target.js';
import { TargetMatch } from './target-match.js';
import { cancelAccessRequest, confirmEnds, endAndTally } from './revocation.js';
import { targetOfTicket } from './ticket-target.js';

/**
 * The target of `revokeAll`: exactly one of the four fields. `scope` reaches each grant and request whose scope overlaps the
 * pattern. `requestId` and `ticket` also reach the extensions of the grants.
 */
export type RevokeAllTarget =
  | {
      /** Reaches the access and the requests of this subject; for an agent, also those of its runs. */
      readonly subject: string;
    }
  | {
      /** Reaches what overlaps this scope or pattern. */
      readonly scope: string;
    }
  | {
      /** Reaches this request, the requests that amended it, their grants and the extensions of these. */
      readonly requestId: string;
    }
  | {
      /** Reaches the requests that cite exactly this ticket, their grants, and the extensions of these. */
      readonly ticket: string;
    };

/** How many records are ended at a time: a store that commits in groups shares a transaction among them. */
const AT_ONCE = 32;

/** Ends what a target reaches. @throws PartialError */
export async function revokeAll(
  kernel: Kernel,
  given: RevokeAllTarget,
  actor: string,
  reason: string | undefined,
  limit: CallLimit | undefined,
): Promise<RevokeAllReport> {
  const tally = new EndTally(limit);
  const match = await endAll(kernel, readTarget(kernel, given, tally), actor, { cause: 'revoked', reason }, tally);
  return { ...tally.report(), ...match };
}

/** Why the records of a target are ended. */
export interface EndAllCommand {
  readonly cause: 'revoked' | 'locked';
  readonly reason: string | undefined;
}

/**
 * Makes passes until a pass finds no open record from before the call. A pass ends requests before grants: the grants of a
 * request that is approved in between are ended in the second half of the pass. A pass also ends the newer records that it
 * finds, but these cause no further pass. Otherwise an agent that asks in a loop would keep this call running for ever.
 *
 * A record that cannot be read or ended stops none of the others, and each pass tries it again. If such a record is left
 * after the last pass, the tally names it as a failure, because that record may still allow.
 *
 * @returns whether the target has matched a record
 */
export async function endAll(
  kernel: Kernel,
  target: EndTarget,
  actor: string,
  command: EndAllCommand,
  tally: EndTally,
): Promise<Pick<RevokeAllReport, 'matched' | 'similar'>> {
  const match = new TargetMatch(target.scope);
  const { isMeant = () => true } = target;
  const begun = kernel.clock.read().forEnds;
  // At least two passes: a process whose clock is ahead stamps its records after `begun`, so those do not set `found`.
  for (let pass = 1, found = true; found || pass <= 2; pass++) {
    found = false;
    refuseAnswered(tally.limit);
    tally.beginPass();
    await eachPage('request', target.requests(), tally, async (rows) => {
      if (!(await isMeant())) return;
      const requests = decodeEach(rows, decodeRequest, (row, error) => tally.fail('request', row.id, error));
      for (const request of requests) match.add(request, request.scopes, target.isRequest(request));
      await inBatches(requests.filter(target.isRequest), async ({ id, createdAt }) => {
        const isEnded = await cancelAndTally(kernel, id, actor, command, tally);
        found ||= isEnded && createdAt <= begun;
      });
    });
    await eachPage('grant', target.grants(), tally, async (rows) => {
      if (!(await isMeant())) return;
      const grants = decodeEach(rows, decodeGrant, (row, error) => {
        if (target.mayBeGrant(row)) tally.fail('grant', row.id, error);
      });
      for (const grant of grants) match.add(grant, [grant.scope], target.isGrant(grant));
      await inBatches(grants.filter(target.isGrant), async ({ id, issuedAt }) => {
        const isEnded = await endAndTally(kernel, id, actor, command, tally);
        found ||= isEnded && issuedAt <= begun;
      });
    });
  }
  await confirmEnds(kernel, tally);
  return match.report();
}

/** How often a requester may amend a request while it is cancelled. More often, and the caller must repeat the call. */
const MAX_AMENDED = 100;

/**
 * Cancels a request. If its requester amends it at the same time, it continues with the new one at once: a later pass would find that
 * too late, if the requester amends repeatedly.
 *
 * @returns whether the request is no longer open: cancelled now, or decided in the meantime
 */
async function cancelAndTally(kernel: Kernel, id: string, actor: string, command: EndAllCommand, tally: EndTally): Promise<boolean> {
  let next = id;
  try {
    for (let tries = 1; tries <= MAX_AMENDED; tries++) {
      const request = await cancelAccessRequest(kernel, next, actor, command, tally.limit);
      if (request.end?.cause !== 'amended' || request.replacedBy === undefined) {
        tally.addWritten([request]);
        return true;
      }
      next = request.replacedBy;
    }
    throw new ConflictError(MAX_AMENDED);
  } catch (error) {
    // A request that was decided in between is no failure: the second half of the pass finds its grants.
    if (isJitError(error) && error.code === 'ERR_JIT_DECIDED') return true;
    tally.fail('request', next, error);
    return false;
  }
}

/** @throws InvalidArgumentError */
export function readTarget(kernel: Kernel, target: RevokeAllTarget, tally: EndTally): EndTarget {
  const { ledger, settings } = kernel;
  const given = readOptions('target', target, ['subject', 'scope', 'requestId', 'ticket']);
  if (Object.values(given).filter((part) => part !== undefined).length !== 1) {
    throw invalid('target', 'exactly one of subject, scope, requestId, ticket', target);
  }
  if (given.requestId !== undefined) return targetOfRequest(ledger, readId('target.requestId', given.requestId));
  if (given.ticket !== undefined) return targetOfTicket(kernel, readTicket(given.ticket), tally);
  if (given.subject !== undefined) return targetOfSubject(kernel, settings.readId('target.subject', given.subject));
  return targetOfScope(kernel, readPattern('target.scope', given.scope));
}

function readTicket(value: unknown): string {
  const ticket = readText('target.ticket', value);
  if (ticket === undefined || isBlank(ticket)) throw invalid('target.ticket', 'a ticket that a request cites', value);
  return ticket;
}

/** The open records of a subject; for an agent, also those of its runs. */
export function targetOfSubject({ ledger, settings }: Kernel, subject: string): EndTarget {
  // No index leads from an agent to the subjects of its runs, so each pass reads the whole namespace.
  const hasRuns = settings.isAgent(subject) && agentOf(subject) === undefined;
  if (!hasRuns) return targetOfOpen(ledger, subject, everyScope);
  return targetOfOpen(ledger, undefined, everyScope, (row) => isReachedBy(row.subject, subject));
}

/** The open records of every scope that overlaps a pattern. */
export function targetOfScope({ ledger, settings }: Kernel, pattern: string): EndTarget {
  const overlaps = lockOverlaps(settings.scopes);
  return { ...targetOfOpen(ledger, undefined, (scope) => overlaps(pattern, scope)), scope: pattern };
}

const everyScope = (): boolean => true;

function targetOfOpen(
  ledger: Ledger,
  subject: string | undefined,
  reaches: (scope: string) => boolean,
  isMeant: (row: Row) => boolean = () => true,
): EndTarget {
  const pages = async function* (kind: string) {
    for await (const rows of ledger.pages({ kind, subject, open: true })) yield rows.filter(isMeant);
  };
  return {
    requests: () => pages('request'),
    grants: () => pages('grant'),
    // A request that is open only for its break-glass review has nothing left to cancel.
    isRequest: ({ end, scopes }) => end === undefined && scopes.some(reaches),
    isGrant: ({ scope }) => reaches(scope),
    // Judges an unreadable row by its scope column: a check finds the grant under no other scope.
    mayBeGrant: ({ scope }) => !isScope(scope) || reaches(scope),
  };
}

/** Includes the request's ended grants, because their extensions also belong to the target. */
function targetOfRequest(ledger: Ledger, id: string): EndTarget {
  let known = id;
  const read = async (): Promise<Row> => {
    const row = await latestForm(ledger, known);
    if (row === undefined) throw new NotFoundError('request', id);
    known = row.id;
    return row;
  };
  return {
    async *requests() {
      yield [await read()];
    },
    async *grants() {
      const row = await read();
      // An unreadable request does not say how many grants it has, so every id that one may have is looked up.
      const [ids = anyGrantIds(row.id)] = decodeEach(
        [row],
        (one) => grantIds(decodeRequest(one)),
        () => undefined,
      );
      const rows = await ledger.rows(ids.map((grantId) => ({ kind: 'grant', id: grantId })));
      yield rows.filter((one) => one !== undefined);
    },
    isRequest: ({ end }) => end === undefined,
    isGrant: () => true,
    mayBeGrant: () => true,
    isChained: true,
  };
}

/**
 * The last request of those that amended a request, one after the other: the caller may know only the first. All others have no
 * grants. A request that break-glass overtook has no other form: the break-glass access is another one.
 *
 * @returns an unreadable request, if there is one: it does not say what amended it. `undefined`: the request is missing
 */
async function latestForm(ledger: Ledger, id: string): Promise<Row | undefined> {
  const seen = new Set<string>();
  let latest: Row | undefined;
  for (let next: string | undefined = id; next !== undefined && !seen.has(next);) {
    seen.add(next);
    const row: Row | undefined = await ledger.row('request', next);
    // A purge has removed it.
    if (row === undefined) return latest;
    latest = row;
    const [request] = decodeEach([row], decodeRequest, () => undefined);
    next = request?.end?.cause === 'amended' ? request.replacedBy : undefined;
  }
  return latest;
}

/** If the store cannot list the records of one kind, `revokeAll` still ends those of the other kind. */
async function eachPage(
  kind: EndFailure['kind'],
  pages: AsyncIterable<readonly Row[]>,
  tally: EndTally,
  handle: (rows: readonly Row[]) => Promise<void>,
): Promise<void> {
  try {
    for await (const rows of pages) await handle(rows);
  } catch (error) {
    if (isJitError(error) && error.code === 'ERR_JIT_NOT_FOUND') throw error;
    tally.fail(kind, undefined, error);
  }
}

/** Handles items in bounded parallel batches. Yields to the event loop before each, because an in-memory store never does (L42). */
async function inBatches<T>(items: readonly T[], handle: (item: T) => Promise<void>): Promise<void> {
  for (let i = 0; i < items.length; i += AT_ONCE) {
    await nextTurn();
    await Promise.all(items.slice(i, i + AT_ONCE).map(handle));
  }
}
