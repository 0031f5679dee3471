import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useRead } from '../../frame/use-read.js';
import { outcomeText } from '../../parts/decision.js';

/** What became of a request that no longer waits for the viewer. Its row stays in its place. */
export function Gone({ requestId, isLate }: { readonly requestId: string; readonly isLate: boolean }): JSX.Element {
  const { client } = useConsole();
  const { value, error } = useRead(
    (signal) => client.getRequest(requestId, { signal }),
    [requestId],
    (change) => change.requestId === requestId,
  );
  const text = isLate ? outcomeText('expired') : value && value.outcome !== 'pending' ? outcomeText(value.outcome) : undefined;
  return (
    <p class="decision-done">
      {t('inbox.gone')} {text ?? (error === undefined ? '' : outcomeText(undefined))}
    </p>
  );
}
