import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain/requestable-types.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { useDraft } from '../../frame/use-draft.js';
import { useKey } from '../../frame/use-key.js';
import { useRead } from '../../frame/use-read.js';
import { Button } from '../../parts/button.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, TextField } from '../../parts/field.js';
import { LengthField } from '../../parts/length-field.js';
import { lengthsBetween } from '../../parts/lengths.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';

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
  const items = (value?.items ?? []).filter(({ outcome, locked }) => outcome === 'break_glass' && !locked);
  const item = items[chosen] ?? items[0];
  if (item === undefined) return null;
  const scopes = (value?.items ?? []).filter(({ breakGlass, scope }) => breakGlass && !scope.includes('*')).map(({ scope }) => scope);
  return (
    <details class="panel emergency">
      <summary>{t('access.emergency')}</summary>
      {items.length > 1 && (
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
      <Item key={`${item.scope} ${item.rule ?? ''}`} item={item} scopes={scopes} hasTitle={items.length === 1} onDone={onDone} />
    </details>
  );
}

interface ItemProps {
  readonly item: Requestable;
  /** The listed scopes for which break-glass is open. */
  readonly scopes: readonly string[];
  /** Whether its title is not shown above it already. */
  readonly hasTitle: boolean;
  readonly onDone: () => void;
}

function Item({ item, scopes, hasTitle, onDone }: ItemProps): JSX.Element {
  const { client, announce } = useConsole();
  const { scope: pattern, title, description, needs, minTtlMs, maxTtlMs } = item;
  const isPattern = pattern.includes('*');
  const [texts, change, clear] = useDraft<Record<string, string>>(`break-glass:${pattern}`, {
    scope: isPattern ? '' : pattern,
    justification: '',
    ticket: '',
    ...Object.fromEntries(needs.fields.map(({ field }) => [field, ''])),
  });
  const of = (name: string) => texts[name] ?? '';
  const lengths = lengthsBetween(Math.min(minTtlMs, 900_000), maxTtlMs);
  const [ttl, setTtl] = useState(lengths[0] as number);
  const [isAsking, setAsking] = useState(false);
  const [taken, setTaken] = useState(0);
  const key = useKey(texts, ttl, taken);
  const list = useId();
  const required = ['scope', 'justification', ...(needs.ticket === undefined ? [] : ['ticket']), ...needs.fields.map(({ field }) => field)];
  const isReady = required.every((name) => of(name).trim() !== '');
  const scope = of('scope').trim();
  const take = async () => {
    const ticket = of('ticket').trim();
    const metadata = Object.fromEntries(needs.fields.map(({ field }) => [field.replace(/^metadata\./, ''), of(field)]));
    const ask = {
      scope,
      ttl,
      justification: of('justification'),
      ...(ticket !== '' && { ticket }),
      ...(needs.fields.length > 0 && { metadata }),
    };
    await client.breakGlass(ask, { idempotencyKey: key });
    setTaken(taken + 1);
    clear();
    announce(t('access.doneBreakGlass'));
    onDone();
  };
  return (
    <form
      class="emergency-item"
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) setAsking(true);
      }}
    >
      {hasTitle && title !== undefined && <h3 dir="auto">{title}</h3>}
      {description !== undefined && (
        <p class="quiet" dir="auto">
          {description}
        </p>
      )}
      {!isPattern && (
        <p>
          <Scope scope={pattern} />
        </p>
      )}
      {isPattern && (
        <Field label={t('access.scope')} hint={<Text k="access.scopeHint" with={{ pattern: <Scope scope={pattern} /> }} />}>
          {(control) => (
            <>
              <input
                type="text"
                dir="ltr"
                autocomplete="off"
                list={list}
                value={of('scope')}
                onInput={({ currentTarget }) => change({ scope: currentTarget.value })}
                {...control}
              />
              <datalist id={list}>
                {scopes.map((one) => (
                  <option key={one} value={one} />
                ))}
              </datalist>
            </>
          )}
        </Field>
      )}
      <TextField label={t('access.whyNow')} lines={2} value={of('justification')} onValue={(justification) => change({ justification })} />
      <div class="pair">
        <LengthField label={t('access.howLong')} lengths={lengths} value={ttl} onValue={setTtl} />
        <TextField
          label={t('access.ticket')}
          required={needs.ticket !== undefined}
          hint={typeof needs.ticket === 'string' ? needs.ticket : undefined}
          maxLength={200}
          value={of('ticket')}
          onValue={(ticket) => change({ ticket })}
        />
        {needs.fields.map(({ field, title: label = field, values, form }) => (
          <TextField
            key={field}
            label={label}
            hint={form ?? values?.join(', ')}
            maxLength={200}
            value={of(field)}
            onValue={(value) => change({ [field]: value })}
          />
        ))}
      </div>
      <Consequences item={item} />
      <p class="actions">
        <Button kind="no" type="submit" disabled={!isReady}>
          {t('access.take')}
        </Button>
      </p>
      {isAsking && (
        <Confirm
          title={<Text k="access.takeTitle" with={{ scope: <Scope scope={scope} /> }} />}
          action={t('access.take')}
          kind="no"
          onConfirm={take}
          onClose={() => setAsking(false)}
        >
          <Consequences item={item} />
        </Confirm>
      )}
    </form>
  );
}

function Consequences({ item }: { readonly item: Requestable }): JSX.Element {
  const { maxTtlMs, afterReview } = item;
  return (
    <ul class="consequences">
      <li>{t('access.consequence.starts', { time: duration(maxTtlMs) })}</li>
      {afterReview && (
        <li>{t('access.consequence.review', { groups: afterReview.groups.join(', '), time: duration(afterReview.withinMs) })}</li>
      )}
      <li>{t('access.consequence.again')}</li>
      <li>{t('access.consequence.unjustified')}</li>
      <li>{t('access.consequence.recorded')}</li>
    </ul>
  );
}
