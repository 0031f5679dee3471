import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { DecisionBar, Held } from '../../parts/decision.js';
import { useDecision } from '../../parts/use-decision.js';
import type { RequestRead } from './read.js';

/** The viewer's decision, as in the inbox: with an undo. */
export function Decide({ read: { found, item } }: { readonly read: RequestRead }): JSX.Element | null {
  const { readOnly } = useConsole();
  const control = useDecision(item?.request ?? found.request, item?.narrowedTo);
  const [isNarrowing, setNarrowing] = useState(false);
  const { held } = control;
  if (readOnly) return null;
  if (item === undefined)
    // The request no longer waits for this viewer: only what was pressed before can be undone or read.
    return held ? <Held held={held} control={held.state === 'waiting' ? control : undefined} onDismiss={control.dismiss} /> : null;
  return (
    <DecisionBar request={item.request} narrowedTo={item.narrowedTo} isLocked={item.locked} {...{ control, isNarrowing, setNarrowing }} />
  );
}
