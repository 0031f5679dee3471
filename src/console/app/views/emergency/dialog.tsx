import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { useConsole } from '../../frame/console.js';
import { addMessages, t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { useRead } from '../../frame/use-read.js';
import { Button } from '../../parts/button.js';
import { Dialog } from '../../parts/dialog.js';
import { Field, TextField } from '../../parts/field.js';
import { LengthField } from '../../parts/length-field.js';
import { Problem } from '../../parts/problem.js';
import { Scope, Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { choicesOf, emergencyFor } from './choices.js';
import { emergency } from './dialog.messages.js';
import { type BreakGlassForm, useBreakGlass } from './use-break-glass.js';

addMessages(emergency);

interface EmergencyProps {
  /** The scope that the viewer needs. `undefined`: the viewer chooses one. */
  readonly scope: string | undefined;
  readonly onClose: () => void;
}

/** Takes access in an emergency: what, why, and what follows from it. The list is read as it opens. */
export function EmergencyDialog({ scope, onClose }: EmergencyProps): JSX.Element {
  const { client } = useConsole();
  const { value, error, again } = useRead(
    (signal) => client.requestable({ signal }),
    [],
    // What may be taken changes with rules and locks, not with each request.
    ({ type }) => type.startsWith('lock.'),
  );
  return (
    <Dialog title={t('emergency.title')} onClose={onClose}>
      {error !== undefined && <Problem error={error} again={again} />}
      {value !== undefined && <Body items={value.items} {...{ scope, onClose }} />}
      {value === undefined && (
        <>
          {error === undefined && (
            <p class="quiet" role="status">
              {t('frame.starting')}
            </p>
          )}
          <p class="actions">
            <Button onPress={onClose}>{t('part.cancel')}</Button>
          </p>
        </>
      )}
    </Dialog>
  );
}

function Body({ items, scope: given, onClose }: EmergencyProps & { readonly items: readonly Requestable[] }): JSX.Element {
  const [chosen, setChosen] = useState(given);
  const item = chosen === undefined ? undefined : emergencyFor(items, chosen);
  const all = items.filter(({ outcome }) => outcome === 'break_glass');
  const open = all.filter(({ locked }) => !locked);
  const patterns = open.map((one) => one.scope).filter((scope) => scope.includes('*'));
  const body = useRef<HTMLDivElement>(null);
  useEffect(() => {
    // The reason is all that is missing, or the first choice.
    body.current?.querySelector<HTMLElement>('textarea, input, .emergency-choice')?.focus();
  }, [item === undefined]);
  return (
    <div class="emergency" ref={body}>
      {chosen !== undefined && item !== undefined ? (
        // Another scope is another call. What was typed is kept.
        <Form key={chosen} scope={chosen} item={item} onOther={() => setChosen(undefined)} onClose={onClose} />
      ) : (
        <>
          {chosen !== undefined && (
            <p>
              <Text k="emergency.noScope" with={{ scope: <Scope scope={chosen} /> }} />
            </p>
          )}
          {open.length === 0 ? (
            <p>{t(all.length === 0 ? 'emergency.none' : 'emergency.locked')}</p>
          ) : (
            <Choices items={items} patterns={patterns.slice(0, NAMED)} onChoose={setChosen} />
          )}
          <p class="actions">
            <Button onPress={onClose}>{t('part.cancel')}</Button>
          </p>
        </>
      )}
    </div>
  );
}

/** Lists of more than these are searched, and show no more than these at a time. */
const FEW = 8;
const MOST = 50;
/** The most patterns that a hint names. */
const NAMED = 4;

interface ChoicesProps {
  readonly items: readonly Requestable[];
  /** The patterns within which a whole scope can be written. */
  readonly patterns: readonly string[];
  readonly onChoose: (scope: string) => void;
}

/** The scopes that can be taken. None is chosen before the viewer does it. */
function Choices({ items, patterns, onChoose }: ChoicesProps): JSX.Element {
  const [search, setSearch] = useState('');
  const choices = choicesOf(items, search);
  const isSearched = patterns.length > 0 || choices.length > FEW || search !== '';
  const within = patterns.length > 0 ? <Text k="emergency.within" with={{ patterns: <Scopes scopes={patterns} /> }} /> : undefined;
  return (
    <>
      {isSearched && (
        <Field label={t('emergency.search')} hint={within}>
          {({ required: _, ...control }) => (
            <input
              type="search"
              dir="auto"
              autocomplete="off"
              {...control}
              value={search}
              onInput={({ currentTarget }) => setSearch(currentTarget.value)}
            />
          )}
        </Field>
      )}
      <ul class="emergency-choices" aria-label={t('emergency.choices')}>
        {choices.slice(0, MOST).map(({ scope, title }) => (
          <li key={scope}>
            <button type="button" class="emergency-choice" onClick={() => onChoose(scope)}>
              {title !== undefined && <bdi>{title}</bdi>}
              <Scope scope={scope} />
            </button>
          </li>
        ))}
      </ul>
      {choices.length === 0 && <p role="status">{t('emergency.nothing')}</p>}
    </>
  );
}

interface FormProps {
  readonly scope: string;
  readonly item: Requestable;
  readonly onOther: () => void;
  readonly onClose: () => void;
}

/** The reason, with the consequences above the button: it is the only press that takes access. */
function Form({ scope, item, onOther, onClose }: FormProps): JSX.Element {
  const form = useBreakGlass(scope, item, onClose);
  const [error, setError] = useState<unknown>();
  const take = async () => {
    setError(undefined);
    try {
      await form.take();
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    // Enter in a field takes nothing.
    <form onSubmit={(event) => event.preventDefault()}>
      <div class="emergency-scope">
        <Scope scope={scope} />
        <Button small kind="quiet" onPress={onOther}>
          {t('emergency.other')}
        </Button>
      </div>
      {item.description !== undefined && (
        <p class="quiet" dir="auto">
          {item.description}
        </p>
      )}
      <Terms needs={item.needs} form={form} />
      <Consequences item={item} />
      {error !== undefined && <Problem error={error} />}
      <p class="actions">
        <Button kind="no" disabled={!form.isReady} onPress={take}>
          {t('emergency.take')}
        </Button>
        <Button onPress={onClose}>{t('part.cancel')}</Button>
      </p>
    </form>
  );
}

function Terms({ needs, form }: Pick<Requestable, 'needs'> & { readonly form: BreakGlassForm }): JSX.Element {
  return (
    <>
      <TextField
        label={t('emergency.why')}
        lines={2}
        value={form.of('justification')}
        onValue={(justification) => form.change({ justification })}
      />
      <div class="pair">
        <LengthField label={t('emergency.howLong')} lengths={form.lengths} value={form.ttl} onValue={form.setTtl} />
        <TextField
          label={t('emergency.ticket')}
          required={needs.ticket !== undefined}
          hint={typeof needs.ticket === 'string' ? needs.ticket : undefined}
          maxLength={200}
          value={form.of('ticket')}
          onValue={(ticket) => form.change({ ticket })}
        />
        {needs.fields.map(({ field, title: label = field, values, form: shape }) => (
          <TextField
            key={field}
            label={label}
            hint={shape ?? values?.join(', ')}
            maxLength={200}
            value={form.of(field)}
            onValue={(value) => form.change({ [field]: value })}
          />
        ))}
      </div>
    </>
  );
}

function Consequences({ item }: { readonly item: Requestable }): JSX.Element {
  const { maxTtlMs, afterReview } = item;
  return (
    <ul class="consequences">
      <li>{t('emergency.starts', { time: duration(maxTtlMs) })}</li>
      {afterReview && <li>{t('emergency.review', { groups: afterReview.groups.join(', '), time: duration(afterReview.withinMs) })}</li>}
      <li>{t('emergency.again')}</li>
      <li>{t('emergency.unjustified')}</li>
      <li>{t('emergency.recorded')}</li>
    </ul>
  );
}
