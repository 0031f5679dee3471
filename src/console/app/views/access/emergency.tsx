import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { later } from '../../frame/later.js';
import { t } from '../../frame/messages.js';
import { useRead } from '../../frame/use-read.js';
import { Field } from '../../parts/field.js';

const EmergencyItem = later(() => import('./emergency-item.js').then((module) => module.EmergencyItem));

/** Break-glass: each of its items with the consequences above the button. */
export function Emergency({ onDone }: { readonly onDone: () => void }): JSX.Element | null {
  const { client } = useConsole();
  const { value } = useRead(
    (signal) => client.requestable({ signal }),
    [],
    // What may be asked for changes with rules and locks, not with each request.
    ({ type }) => type.startsWith('lock.'),
  );
  const [chosen, setChosen] = useState(0);
  const [isOpen, setOpen] = useState(false);
  const items = (value?.items ?? []).filter(({ outcome, locked }) => outcome === 'break_glass' && !locked);
  const item = items[chosen] ?? items[0];
  if (item === undefined) return null;
  const scopes = (value?.items ?? []).filter(({ breakGlass, scope }) => breakGlass && !scope.includes('*')).map(({ scope }) => scope);
  return (
    <details class="panel emergency" onToggle={({ currentTarget }) => setOpen(currentTarget.open)}>
      <summary>{t('access.emergency')}</summary>
      {isOpen && items.length > 1 && (
        <div class="emergency-item">
          <Field label={t('access.which')}>
            {(control) => (
              <select {...control} value={String(chosen)} onChange={({ currentTarget }) => setChosen(Number(currentTarget.value))}>
                {items.map(({ scope, title }, index) => (
                  <option key={index} value={String(index)}>
                    {title ?? scope}
                  </option>
                ))}
              </select>
            )}
          </Field>
        </div>
      )}
      {isOpen && (
        <EmergencyItem key={`${item.scope} ${item.rule ?? ''}`} item={item} scopes={scopes} hasTitle={items.length === 1} onDone={onDone} />
      )}
    </details>
  );
}
