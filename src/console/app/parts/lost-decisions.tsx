import type { JSX } from 'preact';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { isLost, useDecisions } from './decisions.js';

/** Says on every other view that decisions are not recorded, and leads to them. */
export function LostDecisions(): JSX.Element | null {
  const { href, route } = useConsole();
  const lost = useDecisions().queue.held.value.filter(isLost);
  const [first] = lost;
  if (first === undefined) return null;
  const view = first.verdict === 'approve' || first.verdict === 'deny' ? 'inbox' : 'break-glass';
  if (route.value?.view === view) return null;
  return (
    <p class="strip wait">
      <a href={href(view)}>{t('decision.lost', { count: lost.length })}</a>
    </p>
  );
}
