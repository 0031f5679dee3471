import type { JSX } from 'preact';
import { t } from '../../frame/messages.js';
import { useQuery } from '../../frame/use-query.js';
import { outcomeText } from '../../parts/decision.js';
import { foundQuery } from '../request/read.js';

/** What became of a request that no longer waits for the viewer. Its row stays in its place. */
export function Gone({ requestId, isLate }: { readonly requestId: string; readonly isLate: boolean }): JSX.Element {
  const { value, error } = useQuery(foundQuery(requestId));
  const text = isLate ? outcomeText('expired') : value && value.outcome !== 'pending' ? outcomeText(value.outcome) : undefined;
  return (
    <p class="decision-done">
      {t('inbox.gone')} {text ?? (error === undefined ? '' : outcomeText(undefined))}
    </p>
  );
}
