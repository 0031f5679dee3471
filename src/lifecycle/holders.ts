import { LimitError } from '../core/errors.js';
import { digestOf } from '../journal/link.js';
import { makeHolders, type AccessRequest, type Grant, type HolderLimit, type Holders } from '../records/index.js';
import { hasPassed, type GrantUse } from './status.js';
import { nextVersion, type Moment } from './transition.js';

/*
 * Rules about `maxHolders`. One row for each rule lists the open grants of the rule. Every commit that issues a grant under the rule
 * writes that row. Two approvals for two subjects write different rows of subjects, but the same row of the rule: one of them
 * conflicts, and counts again.
 */

/** The row of a rule, and its grants. The grants are read after the row. */
export interface HoldersContext {
  /** `undefined`: no grant was issued under the rule yet. */
  readonly row: Holders | undefined;
  /** The listed grants that still exist. */
  readonly grants: readonly GrantUse[];
  /** The ids of those that this version cannot read. Only break-glass continues without them. */
  readonly unreadable: readonly string[];
}

/** The row of each rule with `maxHolders` that decides the request, by the id of the rule. */
export type HoldersByRule = ReadonlyMap<string, HoldersContext>;

/** The id of the row of a rule. It digests a list, so that different names never collide (L24). */
export const holdersId = (approver: string, rule: string): string => digestOf([approver, rule]);

/**
 * The next rows of the rules under which these grants are issued. Grants with a recorded end leave the rows.
 *
 * @param isLimited false: break-glass access counts and is never refused
 * @throws LimitError if other subjects hold as much as a rule allows, in windows that meet the new one
 */
export function recordHolders(
  { id: requestId, approver, terms }: Pick<AccessRequest, 'id' | 'approver' | 'terms'>,
  issued: readonly Grant[],
  holders: HoldersByRule | undefined,
  moment: Moment,
  isLimited: boolean,
): readonly Holders[] {
  return (terms?.maxHolders ?? []).flatMap((limit) => {
    const own = issued.filter(({ scope }) => limit.scopes.includes(scope));
    if (own.length === 0) return [];
    const { rule } = limit;
    const context = holders?.get(rule);
    // Break-glass is never refused. It is not counted if the row is unreadable, or would make the change too large.
    if (context === undefined && !isLimited) return [];
    if (context === undefined || approver === undefined) throw new TypeError('an approval under maxHolders needs its context');
    // Only a recorded end takes a grant off the row: a use that is recorded at the same time may move an idle end, and an expired grant may
    // be live by another clock. Here, a window that begins after the expiry is free.
    const open = context.grants.map(({ grant }) => grant).filter(({ end }) => end === undefined);
    if (isLimited)
      refuseIfFull(
        requestId,
        limit,
        own,
        open.filter(({ expiresAt }) => !hasPassed(expiresAt, moment)),
      );
    const grantIds = [...context.unreadable, ...[...open, ...own].map(({ id }) => id)];
    return [makeHolders({ id: holdersId(approver, rule), version: nextVersion(context.row), approver, rule, grantIds })];
  });
}

/** @param own the new grants, all of one subject */
function refuseIfFull(requestId: string, { rule, max }: HolderLimit, own: readonly Grant[], open: readonly Grant[]): void {
  const meets = (grant: Grant): boolean => own.some((next) => grant.startsAt < next.expiresAt && next.startsAt < grant.expiresAt);
  const others = new Set(open.filter((grant) => grant.subject !== own[0]?.subject && meets(grant)).map(({ subject }) => subject));
  if (others.size < max) return;
  const message = `rule ${rule} lets at most ${max} ${max === 1 ? 'subject' : 'subjects'} hold its access at a time (maxHolders)`;
  throw new LimitError('maxHolders', max, others.size + 1, message, undefined, requestId);
}

/** What the entry of the approval says about these rows; `undefined`: nothing. */
export const holdersWritten = (rows: readonly Holders[]): readonly Omit<Holders, 'kind'>[] | undefined =>
  rows.length === 0 ? undefined : rows.map(({ kind: _kind, ...fields }) => fields);
