import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { GrantWithStatus, LockWithStatus } from '../../../../index.js';
import { minute } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { countdown } from '../../frame/time.js';
import { Confirm } from '../../parts/dialog.js';
import { Name } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import { calledBy, KINDS } from './filters.js';
import { Effect, given, Reason, TargetFields, type EndingDialogProps } from './targets.js';
import { useEnds } from './use-effect-counts.js';

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
