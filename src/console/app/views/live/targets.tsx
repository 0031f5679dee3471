import type { JSX } from 'preact';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Field, TextField } from '../../parts/field.js';
import { PersonInput } from '../../parts/person-input.js';
import { Whole } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { ScopeInput } from '../../parts/scope-input.js';
import { Scope } from '../../parts/scope.js';
import type { Target, TargetKind } from './filters.js';
import type { Ends } from './use-effect-counts.js';

/** Why, for the journal. A blank text is none. */
export const given = (reason: string): { readonly reason?: string } => (reason.trim() === '' ? {} : { reason: reason.trim() });

export function Reason({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }): JSX.Element {
  return <TextField label={t('part.reason')} required={false} {...{ value, onValue }} />;
}

/** Whom or what a call is about, and the numbers of its dry run. A live region: a screen reader hears it before the button is pressed. */
export function Effect(props: { readonly target: Target; readonly ends: Ends; readonly onScope: (scope: string) => void }): JSX.Element {
  const { target, ends, onScope } = props;
  const { counts, isLoading, error } = ends;
  const value = target.value.trim();
  const isEmpty = value === '';
  const info = useConsole().people.value.get(value);
  if (error !== undefined) return <Problem error={error} />;
  return (
    <div class="effect" role="status">
      {!isEmpty && target.kind !== 'ticket' && (
        <p class="effect-of">{target.kind === 'person' ? <Whole id={value} info={info} /> : <Scope scope={value} />}</p>
      )}
      {isEmpty ? (
        <p class="quiet">{t('live.target')}</p>
      ) : counts === undefined ? (
        <p class="quiet">{isLoading && t('live.counting')}</p>
      ) : null}
      {!isEmpty && counts !== undefined && (
        <>
          <p class="effect-numbers">
            {counts.grants === 0
              ? t('live.ends.nothing')
              : `${t('live.ends.grants', { count: counts.grants })} ${t('live.ends.people', { count: counts.people })}`}
            {counts.requests > 0 && <span>{t('live.ends.requests', { count: counts.requests })}</span>}
          </p>
          {!counts.matched && <p class="effect-warning">{t(target.kind === 'person' ? 'live.unmatchedPerson' : 'live.unmatched')}</p>}
          {counts.atLeast && <p class="effect-warning">{t('live.ends.atLeast')}</p>}
          {counts.similar.length > 0 && (
            <p>
              {t('live.similar')}{' '}
              {counts.similar.map((scope) => (
                <Button key={scope} small onPress={() => onScope(scope)}>
                  <Scope scope={scope} />
                </Button>
              ))}
            </p>
          )}
        </>
      )}
    </div>
  );
}

/** What the rows of the view name, for the fields. */
export interface KnownTargets {
  readonly ids: readonly string[];
  readonly scopes: readonly string[];
}

interface TargetFieldsProps {
  readonly kinds: readonly TargetKind[];
  readonly target: Target;
  readonly known: KnownTargets;
  readonly maySearch: boolean;
  readonly onTarget: (target: Target) => void;
}

export function TargetFields({ kinds, target: { kind, value }, known, maySearch, onTarget }: TargetFieldsProps): JSX.Element {
  const onValue = (next: string | undefined) => onTarget({ kind, value: next ?? '' });
  return (
    <div class="target-fields">
      <Field label={t('live.of')}>
        {({ required: _, ...control }) => (
          <select
            {...control}
            value={kind}
            onChange={({ currentTarget }) => onTarget({ kind: currentTarget.value as TargetKind, value: '' })}
          >
            {kinds.map((one) => (
              <option key={one} value={one}>
                {t(`live.of.${one}`)}
              </option>
            ))}
          </select>
        )}
      </Field>
      {kind === 'ticket' ? (
        <TextField label={t('live.ticket')} {...{ value, onValue }} maxLength={4_096} />
      ) : (
        <Field label={t(`live.${kind}`)}>
          {(control) =>
            kind === 'person' ? (
              <PersonInput {...control} {...{ value, onValue, maySearch }} ids={known.ids} autofocus />
            ) : (
              <ScopeInput {...control} {...{ value, onValue }} scopes={known.scopes} />
            )
          }
        </Field>
      )}
    </div>
  );
}

export interface EndingDialogProps {
  /** The target with which the form begins. */
  readonly target: Target;
  readonly known: KnownTargets;
  readonly onClose: () => void;
  /** Called with the ids of the grants that have ended. */
  readonly onEnded: (grantIds: readonly string[]) => void;
}
