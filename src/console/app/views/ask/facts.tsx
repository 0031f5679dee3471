import type { ComponentChildren, JSX } from 'preact';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { quorumText } from '../../parts/approvals.js';
import type { Choice } from './choices.js';

/** A person plans in minutes. */
const roundedUp = (ms: number): number => Math.ceil(ms / 60_000) * 60_000;

/** Risk, who approves, the usual wait and the longest window, in one line. */
export function Facts({ choice }: { readonly choice: Choice }): JSX.Element {
  const { risk, outcome, quorum, usualWaitMs, maxTtlMs, locked = false } = choice;
  const facts: readonly (readonly [string, ComponentChildren])[] = [
    ...(locked ? [['locked', t('ask.locked')] as const] : []),
    ...(risk === undefined ? [] : [[`risk ${risk}`, t(`ask.risk.${risk}`)] as const]),
    [
      'outcome',
      outcome === 'approve'
        ? t('ask.outcome.approve')
        : quorum === undefined
          ? t('ask.outcome.review.unknown')
          : t('ask.outcome.review', { quorum: quorumText(quorum) }),
    ],
    ...(usualWaitMs === undefined ? [] : [['wait', t('ask.wait', { wait: duration(roundedUp(usualWaitMs)) })] as const]),
    ...(maxTtlMs === undefined ? [] : [['longest', t('ask.longest', { ttl: duration(maxTtlMs) })] as const]),
  ];
  return (
    <span class="ask-facts">
      {facts.map(([name, text]) => (
        <span key={name} class={`ask-fact ${name}`}>
          {text}
        </span>
      ))}
    </span>
  );
}
