import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { useLoaded } from '../../frame/use-loaded.js';
import { Field, TextField } from '../../parts/field.js';
import { exampleOf, lengthsOf, type WindowBounds } from './choices.js';
import { lengthMs } from './draft.js';

interface InputProps {
  readonly value: string;
  readonly problem: ComponentChildren;
  readonly onValue: (value: string) => void;
}

/** The lengths as chips, the shortest useful one first, and a field for any other one. */
export function Length({ choice, value, problem, onValue }: InputProps & { readonly choice: WindowBounds }): JSX.Element {
  const id = useId();
  const lengths = lengthsOf(choice);
  const [isOther, setOther] = useState(!lengths.includes(value));
  const chip = (text: string, isChosen: boolean, choose: () => void) => (
    <label key={text} class="ask-chip">
      <input type="radio" name={id} checked={isChosen} onChange={choose} />
      <span>{text}</span>
    </label>
  );
  return (
    <fieldset class="ask-length" aria-describedby={`${id}-hint`}>
      <legend>{t('ask.ttl')}</legend>
      <div class="ask-chips">
        {lengths.map((length) =>
          chip(duration(lengthMs(length) ?? 0), !isOther && value === length, () => {
            setOther(false);
            onValue(length);
          }),
        )}
        {chip(t('ask.ttl.other'), isOther, () => setOther(true))}
      </div>
      {isOther || problem !== undefined ? (
        <TextField label={t('ask.ttl.other')} hint={t('ask.ttl.other.hint')} maxLength={30} {...{ value, problem, onValue }} />
      ) : (
        <p class="hint" id={`${id}-hint`}>
          {t('ask.ttl.hint')}
        </p>
      )}
    </fieldset>
  );
}

/** A field that the rule requires of the metadata. */
export function MetadataField(
  props: InputProps & { readonly title: string; readonly values?: readonly string[] | undefined; readonly like?: string | undefined },
): JSX.Element {
  const { title, values, like, value, problem, onValue } = props;
  if (values === undefined)
    return (
      <TextField
        label={title}
        hint={like === undefined ? undefined : t('ask.ticket.hint', { example: exampleOf(like) })}
        {...{ value, problem, onValue }}
      />
    );
  return (
    <Field label={title} problem={problem}>
      {(control) => (
        <select {...control} value={value} onChange={({ currentTarget }) => onValue(currentTarget.value)}>
          <option value="">{t('ask.choose')}</option>
          {values.map((allowed) => (
            <option key={allowed} value={allowed}>
              {allowed}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

/** The start of the window, in the viewer's zone. */
export function Start({ value, problem, onValue, aheadMs }: InputProps & { readonly aheadMs: number | undefined }): JSX.Element {
  const hint = aheadMs === undefined ? t('ask.start.hint') : t('ask.start.hint.ahead', { ahead: duration(aheadMs) });
  return (
    <Field label={t('ask.start')} required={false} {...{ hint, problem }}>
      {(control) => (
        <input type="datetime-local" {...control} value={value} onChange={({ currentTarget }) => onValue(currentTarget.value)} />
      )}
    </Field>
  );
}

/** It loads later: most people ask for themselves. */
const load = () => import('../../parts/person-input.js');

/** For whom. The API decides whether the viewer may ask for them. @param props.onValue with `undefined`: a text that is no choice */
export function Subject(props: Omit<InputProps, 'onValue'> & { readonly onValue: (subject: string | undefined) => void }): JSX.Element {
  const { value, problem, onValue } = props;
  const { permits } = useConsole();
  const PersonInput = useLoaded(load).value?.PersonInput;
  return (
    <Field label={t('ask.subject')} required={false} hint={t('ask.subject.hint')} problem={problem}>
      {(control) =>
        PersonInput ? (
          <PersonInput {...control} {...{ value, onValue }} maySearch={permits('requestFor')} />
        ) : (
          <input {...control} type="text" readOnly value={value} />
        )
      }
    </Field>
  );
}
