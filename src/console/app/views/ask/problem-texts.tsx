import type { JSX } from 'preact';
import { now } from '../../frame/clock.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { duration, shortTime } from '../../frame/time.js';
import type { AskRefusal, FieldProblem } from './problems.js';

/** A problem in words. Lengths of a window are durations, and those of a text are characters. */
function problemText({ field, code, limit }: FieldProblem): string {
  const isTime = field === 'ttl' || field === 'until' || field === 'startsAt';
  switch (code) {
    case 'malformed':
      if (limit === 'number' || limit === 'boolean') return t(`ask.problem.malformed.${limit}`);
      return limit === undefined ? t('ask.problem.invalid') : t('ask.problem.malformed', { limit });
    case 'invalid':
      return limit === undefined ? t('ask.problem.invalid') : t('ask.problem.invalid.limit', { limit });
    case 'not_allowed':
      return limit === undefined ? t('ask.problem.invalid') : t('ask.problem.not_allowed', { limit });
    case 'outside_hours':
      if (typeof limit !== 'number') return t('ask.problem.outside_hours');
      return t(`ask.problem.outside_hours.${field === 'startsAt' ? 'start' : 'end'}`, { limit: shortTime(limit, now()) });
    case 'too_short':
    case 'too_long':
    case 'too_far_ahead':
      if (typeof limit !== 'number') return t('ask.problem.invalid');
      if (isTime || code === 'too_far_ahead') return t(`ask.problem.${code}`, { limit: duration(limit) });
      return t(`ask.problem.${code}.text`, { limit, count: limit });
    default:
      return t(`ask.problem.${code}`);
  }
}

/** The problems of one input, each with the rule that it breaks. */
export function ProblemTexts({ problems }: { readonly problems: readonly FieldProblem[] }): JSX.Element {
  return (
    <>
      {problems.map((problem) => (
        <span key={`${problem.code} ${problem.rule ?? ''}`} class="ask-problem">
          {problemText(problem)} {problem.rule !== undefined && <span class="quiet">{t('ask.problem.rule', { rule: problem.rule })}</span>}
        </span>
      ))}
    </>
  );
}

/** The refusals that have words of their own. Any other one is a failure that may pass. */
const NAMED = ['ineligible', 'locked', 'limit', 'denied', 'deadline', 'forbidden', 'too-many-requests', 'idempotency'] as const;

/** Why an ask was refused as a whole. @param isSend whether it was sent, and not only checked */
export function RefusalTexts({ refusal, isSend }: { readonly refusal: AskRefusal; readonly isSend: boolean }): JSX.Element {
  const { name, reason, limit, max, retryAt, isUnknown, lasting } = refusal;
  const named = NAMED.find((known) => known === name);
  const key: MessageKey = named !== undefined ? `ask.refused.${named}` : isUnknown && isSend ? 'ask.refused.unknown' : 'ask.refused.other';
  return (
    <>
      <p dir="auto">{lasting ?? t(key)}</p>
      {reason !== undefined && <p dir="auto">{reason}</p>}
      {retryAt !== undefined ? (
        <p>{t('ask.refused.retry', { time: shortTime(retryAt, now()) })}</p>
      ) : (
        limit !== undefined && (
          <p class="quiet">
            <code>
              {limit}: {max}
            </code>
          </p>
        )
      )}
    </>
  );
}
