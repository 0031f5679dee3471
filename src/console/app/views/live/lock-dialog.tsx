import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { newKey } from '../../frame/use-key.js';
import { Confirm } from '../../parts/dialog.js';
import { Field } from '../../parts/field.js';
import { Text } from '../../parts/text.js';
import { calledBy, type Target } from './filters.js';
import { Effect, given, Reason, TargetFields, type EndingDialogProps } from './targets.js';
import { useEnds } from './use-effect-counts.js';

const HOUR = 3_600_000;
const UNTIL = { lifted: undefined, hour: HOUR, day: 24 * HOUR, week: 168 * HOUR } as const;
type Until = keyof typeof UNTIL;

/** How long a lock stays. */
function UntilField({ until, onUntil }: { readonly until: Until; readonly onUntil: (until: Until) => void }): JSX.Element {
  return (
    <Field label={t('live.until')}>
      {({ required: _, ...control }) => (
        <select {...control} value={until} onChange={({ currentTarget }) => onUntil(currentTarget.value as Until)}>
          {(Object.keys(UNTIL) as Until[]).map((name) => (
            <option key={name} value={name}>
              {t(`live.until.${name}` as MessageKey)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

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
      <UntilField {...{ until }} onUntil={setUntil} />
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}
