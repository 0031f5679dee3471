import { readCount, readId, readOptions, readText, invalid } from '../input.js';
import type { Verdict } from '../ports.js';
import type { Quorum } from '../records.js';

/** A verdict that has been checked, and who it is from. */
export interface ReadVerdict {
  readonly approver: string;
  readonly verdict:
    | { readonly outcome: 'approve'; readonly reason: string | undefined }
    | { readonly outcome: 'deny'; readonly reason: string | undefined }
    | { readonly outcome: 'review'; readonly quorum: Quorum; readonly reviewWithinMs: number | undefined }
    | { readonly outcome: 'abstain' };
}

/**
 * Reads what an approver answered. Anything malformed throws, and so counts as an approver that failed: an absent or
 * empty quorum, or a count of 0, never means "always" (L16).
 *
 * @param name who was asked; a chain answers with the name of the member that decided
 */
export function readVerdict(name: string, answer: unknown): ReadVerdict {
  const read = readOptions<keyof Extract<Verdict, { outcome: 'review' }> | 'reason'>('verdict', answer, [
    'outcome',
    'reason',
    'quorum',
    'approver',
  ]);
  const approver = read.approver === undefined ? name : readId('verdict.approver', read.approver);
  const { outcome } = read;
  switch (outcome) {
    case 'approve':
    case 'deny':
      return { approver, verdict: { outcome, reason: readText('verdict.reason', read.reason) } };
    case 'review':
      return { approver, verdict: { outcome, ...readQuorum('verdict.quorum', read.quorum) } };
    case 'abstain':
      return { approver, verdict: { outcome } };
    default:
      throw invalid('verdict.outcome', 'approve, deny, review or abstain', outcome);
  }
}

function readQuorum(argument: string, value: unknown): { quorum: Quorum; reviewWithinMs: number | undefined } {
  const read = readOptions(argument, value, ['groups', 'denials', 'approvalTtlMs', 'reviewWithinMs']);
  const optional = (name: 'denials' | 'approvalTtlMs' | 'reviewWithinMs') =>
    read[name] === undefined ? undefined : readCount(`${argument}.${name}`, read[name], 1);
  const { groups } = read;
  if (!Array.isArray(groups) || groups.length === 0) throw invalid(`${argument}.groups`, 'a list of at least one group', groups);
  const names = new Set<string>();
  const readGroups = groups.map((group: unknown, i) => {
    const at = `${argument}.groups[${i}]`;
    const { name, approvals } = readOptions(at, group, ['name', 'approvals']);
    const read = Object.freeze({ name: readId(`${at}.name`, name), approvals: readCount(`${at}.approvals`, approvals, 1) });
    if (names.has(read.name)) throw invalid(`${at}.name`, 'named once', read.name);
    names.add(read.name);
    return read;
  });
  const quorum = Object.freeze({
    groups: Object.freeze(readGroups),
    denials: optional('denials') ?? 1,
    approvalTtlMs: optional('approvalTtlMs'),
  });
  return { quorum, reviewWithinMs: optional('reviewWithinMs') };
}
