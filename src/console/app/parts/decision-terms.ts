import type { AccessRequest, Granted, Review } from '../../../index.js';

const MINUTE_MS = 60_000;

/** The shorter windows that a reviewer may choose. Milliseconds, the shortest first. */
const WINDOWS_MS = [15, 30, 60, 120, 240, 480, 1_440, 4_320, 10_080].map((minutes) => minutes * MINUTE_MS);

/** The windows that are shorter than the requested one, the longest five, the shortest first. Milliseconds. */
export const shorterThan = (ttlMs: number): readonly number[] => WINDOWS_MS.filter((ms) => ms < ttlMs).slice(-5);

/** What an approval would allow now: what was requested, or what the approvals so far leave of it. */
export const termsOf = ({ scopes, ttlMs }: AccessRequest, narrowedTo?: Granted): Granted => narrowedTo ?? { scopes, ttlMs };

/** Whether these terms are less than what was requested, so that an approval must name them: the approvals before it may end first. */
export const isLess = ({ scopes, ttlMs }: Granted, request: AccessRequest): boolean =>
  ttlMs < request.ttlMs || scopes.length < request.scopes.length;

/** Whether an approval counts no longer, because it is too old for the quorum. @param now epoch milliseconds */
export const isStale = ({ verdict, at }: Review, { quorum }: Pick<AccessRequest, 'quorum'>, now: number): boolean =>
  verdict === 'approve' && quorum?.approvalTtlMs !== undefined && now >= at + quorum.approvalTtlMs;
