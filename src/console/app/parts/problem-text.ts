import { lastingText } from '../../../internal/page.js';
import { now } from '../frame/clock.js';
import { translated } from '../frame/messages.js';
import { shortTime } from '../frame/time.js';
import { refusalOf } from './decision-refusal.js';

/* What the API answers as code and values, in the language of the page. English is in the answer. */

/** @returns `undefined`: the language has no words for it */
export function problemText(error: unknown): string | undefined {
  const { name } = refusalOf(error);
  const { until, limit = '', max = '' } = error as { readonly until?: number; readonly limit?: string; readonly max?: number };
  if (name === 'locked' && typeof until === 'number') return translated('problem.is.locked.until', { time: shortTime(until, now()) });
  return translated(`problem.is.${name}`, { limit, max });
}

/** Why a failure lasts until an operator of the service acts. `undefined`: it is another failure. */
export function lastingProblem(error: unknown): string | undefined {
  const text = lastingText(error);
  return text && (problemText(error) ?? text);
}

/** The reason of an end. That of these two causes is the engine's; any other one is in the words of a person or of the approver. */
export const endReason = ({
  cause,
  reason,
}: {
  readonly cause?: string | undefined;
  readonly reason?: string | undefined;
}): string | undefined => (cause === 'ineligible' || cause === 'abstained' ? translated(`end.${cause}`, {}) : undefined) ?? reason;
