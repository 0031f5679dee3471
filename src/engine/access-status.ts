import { isScheduled, isUsable, type GrantUse } from '../lifecycle/status.js';
import { expectedStart, effectiveEnd } from '../records/index.js';
import type { AccessStatus } from './answers.js';
import type { Checker } from './checker.js';
import type { Enforcement } from '../kernel/enforcement.js';
import { grantsAmong } from '../kernel/grant-use.js';
import { grantWithStatus } from './with-status.js';

/** The access that a subject has now, and its scheduled access. Activates due starts first, so that the answer agrees with a check. */
export async function accessStatus(
  checker: Checker,
  { readId, decodeAll, standing, leewayMs }: Enforcement,
  subjectGiven: unknown,
): Promise<AccessStatus> {
  const subject = readId('subject', subjectGiven);
  const { rows, reading } = await checker.activated(subject, () => true);
  const all = grantsAmong(rows, subject, decodeAll);
  const held = all.filter((one) => isUsable(one, reading)).sort((a, b) => endOf(a) - endOf(b));
  const scheduled = all.filter((one) => isScheduled(one, reading)).sort((a, b) => a.grant.startsAt - b.grant.startsAt);
  // Keeps the grants that a check at their start would allow. A start that an approver must still confirm gives no certain window.
  const certain = scheduled.filter((one) => {
    const begin = expectedStart(one.grant);
    return isUsable(one, { now: begin, forEnds: begin + leewayMs });
  });
  const changes = [
    ...[...held, ...scheduled].map((one) => endOf(one) - leewayMs),
    ...scheduled.map(({ grant }) => expectedStart(grant)).filter((begin) => begin > reading.now),
  ];
  return {
    subject,
    at: reading.now,
    standing: standing(subject),
    held: held.map((use) => grantWithStatus(use, reading)),
    scheduled: scheduled.map((use) => grantWithStatus(use, reading)),
    windows: [...held, ...certain].map((one) => ({
      grantId: one.grant.id,
      scope: one.grant.scope,
      startsAt: expectedStart(one.grant),
      endsAt: endOf(one) - leewayMs,
    })),
    changesAt: changes.length === 0 ? undefined : Math.min(...changes),
  };
}

const endOf = ({ grant, usage }: GrantUse): number => effectiveEnd(grant, usage);
