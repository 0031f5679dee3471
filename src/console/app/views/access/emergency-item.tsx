import type { JSX } from 'preact';
import { useId, useState } from 'preact/hooks';
import type { Requestable } from '../../../../explain.js';
import { addMessages, t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { Button } from '../../parts/button.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, TextField } from '../../parts/field.js';
import { LengthField } from '../../parts/length-field.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { emergency } from './emergency-item.messages.js';
import { type BreakGlassForm, useBreakGlass } from './use-break-glass.js';

addMessages(emergency);

export interface EmergencyItemProps {
  readonly item: Requestable;
  /** The listed scopes for which break-glass is open. */
  readonly scopes: readonly string[];
  /** Whether its title is not shown above it already. */
  readonly hasTitle: boolean;
  readonly onDone: () => void;
}

/** The form of one break-glass item, which asks for a confirmation before the access is taken. */
export function EmergencyItem({ item, scopes, hasTitle, onDone }: EmergencyItemProps): JSX.Element {
  const { scope: pattern, title, description } = item;
  const isPattern = pattern.includes('*');
  const form = useBreakGlass(item, onDone);
  const [isAsking, setAsking] = useState(false);
  return (
    <form
      class="emergency-item"
      onSubmit={(event) => {
        event.preventDefault();
        if (form.isReady) setAsking(true);
      }}
    >
      {hasTitle && title !== undefined && <h3 dir="auto">{title}</h3>}
      {description !== undefined && (
        <p class="quiet" dir="auto">
          {description}
        </p>
      )}
      {isPattern ? (
        <ScopeField pattern={pattern} scopes={scopes} form={form} />
      ) : (
        <p>
          <Scope scope={pattern} />
        </p>
      )}
      <Terms needs={item.needs} form={form} />
      <Consequences item={item} />
      <p class="actions">
        <Button kind="no" type="submit" disabled={!form.isReady}>
          {t('access.take')}
        </Button>
      </p>
      {isAsking && (
        <Confirm
          title={<Text k="access.takeTitle" with={{ scope: <Scope scope={form.scope} /> }} />}
          action={t('access.take')}
          kind="no"
          onConfirm={form.take}
          onClose={() => setAsking(false)}
        >
          <Consequences item={item} />
        </Confirm>
      )}
    </form>
  );
}

interface ScopeFieldProps {
  readonly pattern: string;
  readonly scopes: readonly string[];
  readonly form: BreakGlassForm;
}

/** Asks for a scope that the pattern covers, and suggests the listed ones. */
function ScopeField({ pattern, scopes, form }: ScopeFieldProps): JSX.Element {
  const list = useId();
  return (
    <Field label={t('access.scope')} hint={<Text k="access.scopeHint" with={{ pattern: <Scope scope={pattern} /> }} />}>
      {(control) => (
        <>
          <input
            type="text"
            dir="ltr"
            autocomplete="off"
            list={list}
            value={form.of('scope')}
            onInput={({ currentTarget }) => form.change({ scope: currentTarget.value })}
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
  );
}

function Terms({ needs, form }: Pick<Requestable, 'needs'> & { readonly form: BreakGlassForm }): JSX.Element {
  return (
    <>
      <TextField
        label={t('access.whyNow')}
        lines={2}
        value={form.of('justification')}
        onValue={(justification) => form.change({ justification })}
      />
      <div class="pair">
        <LengthField label={t('access.howLong')} lengths={form.lengths} value={form.ttl} onValue={form.setTtl} />
        <TextField
          label={t('access.ticket')}
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
