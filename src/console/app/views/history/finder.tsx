import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Field } from '../../parts/field.js';
import { PersonInput } from '../../parts/person-input.js';
import { ScopeInput } from '../../parts/scope-input.js';
import { addressOf, widestTopic, type Question } from './question.js';

/** The form for another question. It opens its address. Nothing written: the own access, or all. */
export function Finder({ question }: { readonly question: Question }): JSX.Element {
  const page = useConsole();
  const { href, navigate, caller, permits } = page;
  const { topic } = question;
  const isOwn = 'person' in topic && topic.person === caller;
  const [kind, setKind] = useState<'person' | 'scope'>('person' in topic && !(isOwn && permits('whoHadAccess')) ? 'person' : 'scope');
  // `undefined`: what is typed is no person.
  const [value, setValue] = useState<string | undefined>('scope' in topic ? topic.scope : 'person' in topic && !isOwn ? topic.person : '');
  const show = (text = value?.trim()) => {
    if (text === undefined) return;
    const next = kind === 'person' ? { person: text || caller } : text === '' ? widestTopic(page) : { scope: text };
    navigate(href('history', undefined, addressOf({ ...question, topic: next })));
  };
  return (
    <form
      class="finder"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        show();
      }}
    >
      <Field label={t('history.by')}>
        {({ required: _, ...control }) => (
          <select {...control} value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value as typeof kind)}>
            <option value="person">{t('history.by.person')}</option>
            <option value="scope">{t('history.by.scope')}</option>
          </select>
        )}
      </Field>
      <Field label={t(`history.${kind}`)}>
        {({ required: _, ...control }) =>
          kind === 'person' ? (
            <PersonInput
              {...control}
              maySearch={permits('listGrants')}
              placeholder={caller}
              value={value ?? ''}
              onValue={setValue}
              onDone={show}
            />
          ) : (
            <ScopeInput {...control} value={value ?? ''} onValue={setValue} onDone={show} />
          )
        }
      </Field>
      <Button type="submit">{t('history.show')}</Button>
    </form>
  );
}
