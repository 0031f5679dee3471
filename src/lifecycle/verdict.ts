import { invalid, readCount, readId, readList, readOptions, readText } from '../input.js';
import { makeQuorum, type Quorum } from '../records.js';
import { readDuration } from '../time.js';

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
  const { outcome, reason, quorum, approver = name } = readOptions('verdict', answer, ['outcome', 'reason', 'quorum', 'approver']);
  const read = { approver: readId('verdict.approver', approver) };
  if (outcome !== 'review' && quorum !== undefined) throw invalid('verdict.quorum', 'left out unless the outcome is review', quorum);
  switch (outcome) {
    case 'approve':
    case 'deny':
      return { ...read, verdict: { outcome, reason: readText('verdict.reason', reason) } };
    case 'review':
      return { ...read, verdict: { outcome, ...readQuorum('verdict.quorum', quorum) } };
    case 'abstain':
      return { ...read, verdict: { outcome } };
    default:
      throw invalid('verdict.outcome', 'approve, deny, review or abstain', outcome);
  }
}

/** More approvals than this from one group are surely a mistake. */
const MAX_COUNT = 1_000;

function readQuorum(argument: string, value: unknown): { quorum: Quorum; reviewWithinMs: number | undefined } {
  const {
    groups,
    denials = 1,
    approvalTtlMs,
    reviewWithinMs,
  } = readOptions(argument, value, ['groups', 'denials', 'approvalTtlMs', 'reviewWithinMs']);
  const names = new Set<unknown>();
  const read = readList(`${argument}.groups`, groups, 1).map((group, i) => {
    const at = `${argument}.groups[${i}]`;
    const { name, approvals } = readOptions(at, group, ['name', 'approvals']);
    if (names.has(name)) throw invalid(`${at}.name`, 'named once', name);
    names.add(name);
    return { name: readId(`${at}.name`, name), approvals: readCount(`${at}.approvals`, approvals, 1, MAX_COUNT) };
  });
  const quorum = makeQuorum({
    groups: read,
    denials: readCount(`${argument}.denials`, denials, 1, MAX_COUNT),
    approvalTtlMs: approvalTtlMs === undefined ? undefined : readDuration(`${argument}.approvalTtlMs`, approvalTtlMs),
  });
  return { quorum, reviewWithinMs: reviewWithinMs === undefined ? undefined : readDuration(`${argument}.reviewWithinMs`, reviewWithinMs) };
}
