import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { GrantWithStatus, LockWithStatus } from '../../../../index.js';
import { minute, now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { newKey } from '../../frame/use-key.js';
import { countdown } from '../../frame/time.js';
import { Button } from '../../parts/button.js';
import { Confirm } from '../../parts/dialog.js';
import { Field, TextField } from '../../parts/field.js';
import { PersonInput } from '../../parts/person-input.js';
import { Name, Whole } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { ScopeInput } from '../../parts/scope-input.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { calledBy, KINDS, type Target, type TargetKind } from './filters.js';
import { useEnds, type Ends } from './use-effect-counts.js';

/** Why, for the journal. A blank text is none. */
const given = (reason: string): { readonly reason?: string } => (reason.trim() === '' ? {} : { reason: reason.trim() });

function Reason({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }): JSX.Element {
  return <TextField label={t('part.reason')} required={false} {...{ value, onValue }} />;
}

/** Whom or what a call is about, and the numbers of its dry run. A live region: a screen reader hears it before the button is pressed. */
function Effect(props: { readonly target: Target; readonly ends: Ends; readonly onScope: (scope: string) => void }): JSX.Element {
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

function TargetFields({ kinds, target: { kind, value }, known, maySearch, onTarget }: TargetFieldsProps): JSX.Element {
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
              <PersonInput {...control} {...{ value, onValue, maySearch }} ids={known.ids} />
            ) : (
              <ScopeInput {...control} {...{ value, onValue }} scopes={known.scopes} />
            )
          }
        </Field>
      )}
    </div>
  );
}

interface EndingDialogProps {
  /** The target with which the form begins. */
  readonly target: Target;
  readonly known: KnownTargets;
  readonly onClose: () => void;
  /** Called with the ids of the grants that have ended. */
  readonly onEnded: (grantIds: readonly string[]) => void;
}

/** Revokes all of a target. It states its effect in numbers, and its button has them. */
export function RevokeAllDialog({ target: first, known, onClose, onEnded }: EndingDialogProps): JSX.Element {
  const { client, announce, permits } = useConsole();
  const [target, setTarget] = useState(first);
  const [reason, setReason] = useState('');
  const ends = useEnds('revokeAll', target);
  const { counts } = ends;
  const confirm = async () => {
    const { grants } = await client.revokeAll({ ...calledBy(target), ...given(reason) });
    announce(t('live.done', { count: grants.length }));
    onEnded(grants.map(({ id }) => id));
  };
  const { grants = 0, requests = 0 } = counts ?? {};
  return (
    <Confirm
      title={t('live.revokeAllTitle')}
      kind="no"
      action={grants > 0 || requests === 0 ? t('live.do.end', { count: grants }) : t('live.do.cancel', { count: requests })}
      disabled={grants + requests === 0}
      onConfirm={confirm}
      onClose={onClose}
    >
      <TargetFields kinds={KINDS} {...{ target, known }} maySearch={permits('revokeAll')} onTarget={setTarget} />
      <Effect {...{ target, ends }} onScope={(scope) => setTarget({ kind: 'scope', value: scope })} />
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}

const HOUR = 3_600_000;
const UNTIL = { lifted: undefined, hour: HOUR, day: 24 * HOUR, week: 168 * HOUR } as const;
type Until = keyof typeof UNTIL;

/** Locks a person or a scope. It states its effect in numbers first. */
export function LockDialog({ target: first, known, onClose, onEnded }: EndingDialogProps): JSX.Element {
  const { client, announce, permits } = useConsole();
  const [target, setTarget] = useState(first);
  const [until, setUntil] = useState<Until>('lifted');
  const [reason, setReason] = useState('');
  const ends = useEnds('lock', target);
  const { counts } = ends;
  // An id or a scope may be locked before anything is open under it, by a step that names it.
  const [forced, setForced] = useState<Target>();
  const isUnmatched = counts?.matched === false;
  const mayLock = counts !== undefined && (!isUnmatched || forced === target);
  // A second press after a lost answer sends the same key, and so the same end.
  const call = useMemo((): { readonly key: string; at?: number } => ({ key: newKey() }), [target.kind, target.value, until, reason]);
  const confirm = async () => {
    const ms = UNTIL[until];
    const at = (call.at ??= Math.round(now()));
    const lock = { ...calledBy(target), ...given(reason), ...(ms !== undefined && { until: at + ms }) };
    const { ended } = await client.lock(lock as Parameters<typeof client.lock>[0], { idempotencyKey: call.key });
    announce(t('live.locked', { count: ended.grants.length }));
    onEnded(ended.grants.map(({ id }) => id));
  };
  return (
    <Confirm
      title={t('live.lockTitle')}
      kind="no"
      action={counts?.grants ? t('live.do.lockAndEnd', { count: counts.grants }) : t('live.do.lock')}
      disabled={!mayLock}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t('live.lockText')}</p>
      <TargetFields kinds={['person', 'scope']} {...{ target, known }} maySearch={permits('lock')} onTarget={setTarget} />
      <Effect {...{ target, ends }} onScope={(scope) => setTarget({ kind: 'scope', value: scope })} />
      {isUnmatched && (
        <label class="check">
          <input
            type="checkbox"
            checked={forced === target}
            onChange={({ currentTarget }) => setForced(currentTarget.checked ? target : undefined)}
          />
          <Text
            k={target.kind === 'person' ? 'live.lockId' : 'live.lockUnmatched'}
            with={{ target: <code dir="auto">{target.value.trim()}</code> }}
          />
        </label>
      )}
      <Field label={t('live.until')}>
        {({ required: _, ...control }) => (
          <select {...control} value={until} onChange={({ currentTarget }) => setUntil(currentTarget.value as Until)}>
            {(Object.keys(UNTIL) as Until[]).map((name) => (
              <option key={name} value={name}>
                {t(`live.until.${name}` as MessageKey)}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}

/** Revokes one grant. Its effect follows from the grant: itself, and the grants that extend it. */
export function RevokeDialog(props: {
  readonly grant: GrantWithStatus;
  readonly onClose: () => void;
  readonly onEnded: (grantIds: readonly string[]) => void;
}): JSX.Element {
  const { grant, onClose, onEnded } = props;
  const { client, announce } = useConsole();
  const [reason, setReason] = useState('');
  const confirm = async () => {
    await client.revoke(grant.id, given(reason));
    announce(t('live.done', { count: 1 }));
    onEnded([grant.id, ...grant.successors.map(({ grantId }) => grantId)]);
  };
  return (
    <Confirm
      title={t('live.revokeTitle')}
      kind="no"
      action={t('live.do.end', { count: 1 + grant.successors.length })}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>
        <Name id={grant.subject} /> · <Scope scope={grant.scope} />
      </p>
      <div class="effect">
        <p class="effect-numbers">{t('live.revokeEffect', { left: countdown(grant.expiresAt - minute.value) })}</p>
        {grant.successors.length > 0 && <p>{t('live.revokeChain', { count: grant.successors.length })}</p>}
      </div>
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}

/** Lifts a lock. */
export function UnlockDialog(props: {
  readonly lock: LockWithStatus;
  readonly others: number;
  readonly onClose: () => void;
  readonly onLifted: () => void;
}): JSX.Element {
  const { lock, others, onClose, onLifted } = props;
  const { client, announce } = useConsole();
  const [reason, setReason] = useState('');
  const confirm = async () => {
    await client.unlock(lock.id, given(reason));
    announce(t('live.unlocked'));
    onLifted();
  };
  return (
    <Confirm title={t('live.unlockTitle')} action={t('live.unlock')} onConfirm={confirm} onClose={onClose}>
      <p>{lock.subject === undefined ? <Scope scope={lock.scope ?? ''} /> : <Name id={lock.subject} />}</p>
      <div class="effect">
        <p class="effect-numbers">{t('live.unlockEffect')}</p>
        {others > 0 && <p>{t('live.unlockOthers', { count: others })}</p>}
      </div>
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}
