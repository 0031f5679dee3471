import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Held } from '../../parts/decision.js';
import type { Decision } from '../../parts/decision-queue.js';
import { isLost, useDecisions } from '../../parts/decisions.js';
import { Section } from '../../parts/page.js';

export interface UnsentProps {
  /** The requests in the list of the view. */
  readonly shown: ReadonlySet<string>;
  /** The decisions that belong to the view. */
  readonly of: readonly Decision['verdict'][];
}

/**
 * The decisions that are not recorded and whose requests are not shown: the page was closed before an answer arrived, or the request left
 * the inbox.
 */
export function Unsent({ shown, of }: UnsentProps): JSX.Element | null {
  const { href } = useConsole();
  const { queue } = useDecisions();
  const lost = queue.held.value.filter((held) => isLost(held) && of.includes(held.verdict) && !shown.has(held.requestId));
  if (lost.length === 0) return null;
  return (
    <Section title={t('inbox.unsent')}>
      <ul class="rows">
        {lost.map((held) => (
          <li key={held.requestId} class="row wait">
            <Held held={held} control={undefined} onDismiss={() => queue.dismiss(held.requestId)} />
            <a href={href('request', held.requestId)}>{t('inbox.open')}</a>
          </li>
        ))}
      </ul>
    </Section>
  );
}
