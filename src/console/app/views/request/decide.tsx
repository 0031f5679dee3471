import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { DecisionBar, Held } from '../../parts/decision.js';
import { useDecision } from '../../parts/use-decision.js';
import { Facts } from '../inbox/facts.js';
import type { RequestRead } from './read.js';

/** The viewer's decision, as in the inbox: with an undo, and with what a reviewer weighs. */
export function Decide({ read: { found, item, held: holds } }: { readonly read: RequestRead }): JSX.Element | null {
  const { readOnly } = useConsole();
  const control = useDecision(item?.request ?? found.request, item?.narrowedTo);
  const [isNarrowing, setNarrowing] = useState(false);
  const { held } = control;
  if (readOnly || (item === undefined && held === undefined)) return null;
  return (
    <section class="request-actions">
      <h2>{t('request.decide')}</h2>
      {item !== undefined ? (
        <>
          <Facts item={item} held={holds} />
          <DecisionBar
            request={item.request}
            narrowedTo={item.narrowedTo}
            isLocked={item.locked}
            {...{ control, isNarrowing, setNarrowing }}
          />
        </>
      ) : (
        // The request no longer waits for this viewer: only what was pressed before can be undone or read.
        held && <Held held={held} control={held.state === 'waiting' ? control : undefined} onDismiss={control.dismiss} />
      )}
    </section>
  );
}
