import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t, type MessageKey } from '../../frame/messages.js';
import { useDraft } from '../../frame/use-draft.js';
import { Confirm } from '../../parts/dialog.js';
import { TextField } from '../../parts/field.js';
import { LengthField } from '../../parts/length-field.js';
import { lengthsBetween } from '../../parts/lengths.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import type { Grant, Request } from './read.js';

/** What a dialog of the view is about. `grants`: one, or all of a request. */
export type Open =
  | { readonly kind: 'giveBack' | 'moreTime'; readonly grants: readonly Grant[] }
  | { readonly kind: 'comment' | 'change' | 'cancel'; readonly request: Request };

interface Props {
  readonly onClose: () => void;
  /** Called when something was done, so that the view reads again. */
  readonly onDone: () => void;
}

/** The dialog that is open. */
export function AccessDialog({ open, ...props }: Props & { readonly open: Open }): JSX.Element {
  switch (open.kind) {
    case 'giveBack':
      return <GiveBack grants={open.grants} {...props} />;
    case 'moreTime':
      return <MoreTime grants={open.grants} {...props} />;
    case 'comment':
      return <Comment request={open.request} {...props} />;
    case 'change':
      return <Change request={open.request} {...props} />;
    case 'cancel':
      return <Cancel request={open.request} {...props} />;
  }
}

/** Does something, says so, and has the view read again. */
function useDone({ onDone }: Props): (done: MessageKey, work: () => Promise<unknown>) => () => Promise<void> {
  const { announce } = useConsole();
  return (done, work) => async () => {
    await work();
    announce(t(done));
    onDone();
  };
}

/** One grant by its own id, several by their request. */
const isOne = (grants: readonly Grant[]): grants is readonly [Grant] => grants.length === 1;

function GiveBack({ grants, ...props }: Props & { readonly grants: readonly Grant[] }): JSX.Element {
  const { client } = useConsole();
  const done = useDone(props);
  const give = () => (isOne(grants) ? client.releaseGrant(grants[0].id) : client.releaseRequest((grants[0] as Grant).requestId));
  const what = <Scopes scopes={grants.map(({ scope }) => scope)} />;
  return (
    <Confirm
      title={<Text k="access.giveBackTitle" with={{ what: isOne(grants) ? what : t('access.scopes', { count: grants.length }) }} />}
      action={t(isOne(grants) ? 'access.giveBack' : 'access.giveBackAll')}
      kind="no"
      onConfirm={done('access.doneGivenBack', give)}
      onClose={props.onClose}
    >
      {!isOne(grants) && <p>{what}</p>}
      <p>{t('access.giveBackText')}</p>
    </Confirm>
  );
}

function MoreTime({ grants, ...props }: Props & { readonly grants: readonly Grant[] }): JSX.Element {
  const { client } = useConsole();
  const done = useDone(props);
  const lengths = lengthsBetween(900_000, 8 * 3_600_000);
  const [ttl, setTtl] = useState(lengths[0] as number);
  const first = grants[0] as Grant;
  const [texts, change, clear] = useDraft(`more:${first.requestId}`, { justification: '', ticket: '' });
  const ask = async () => {
    const fields = { ttl, ...given(texts) };
    await (isOne(grants) ? client.extendGrant(first.id, fields) : client.extendRequest(first.requestId, fields));
    clear();
  };
  return (
    <Confirm title={t('access.moreTitle')} action={t('access.send')} onConfirm={done('access.doneMore', ask)} onClose={props.onClose}>
      <p>
        <Scopes scopes={grants.map(({ scope }) => scope)} />
      </p>
      <p class="quiet">{t('access.moreText')}</p>
      <LengthField label={t('access.moreLabel')} lengths={lengths} value={ttl} onValue={setTtl} />
      <Why texts={texts} change={change} />
    </Confirm>
  );
}

function Comment({ request, ...props }: Props & { readonly request: Request }): JSX.Element {
  const { client } = useConsole();
  const done = useDone(props);
  const [{ text }, change, clear] = useDraft(`comment:${request.id}`, { text: '' });
  const send = async () => {
    await client.comment(request.id, { text });
    clear();
  };
  return (
    <Confirm
      title={t('access.commentTitle')}
      action={t('access.send')}
      disabled={text.trim() === ''}
      onConfirm={done('access.doneComment', send)}
      onClose={props.onClose}
    >
      <p>
        <Scopes scopes={request.scopes} />
      </p>
      <TextField
        label={t('access.commentLabel')}
        hint={t('access.commentText')}
        lines={4}
        value={text}
        onValue={(value) => change({ text: value })}
      />
    </Confirm>
  );
}

function Change({ request, ...props }: Props & { readonly request: Request }): JSX.Element {
  const { client } = useConsole();
  const done = useDone(props);
  const lengths = [...new Set([...lengthsBetween(900_000, 8 * 3_600_000), request.ttlMs])].sort((a, b) => a - b);
  const [ttl, setTtl] = useState(request.ttlMs);
  const before = { justification: request.justification ?? '', ticket: request.ticket ?? '' };
  const [texts, change, clear] = useDraft(`change:${request.id}`, before);
  const isChanged = ttl !== request.ttlMs || texts.justification !== before.justification || texts.ticket !== before.ticket;
  const amend = async () => {
    await client.amend(request.id, {
      ...(ttl !== request.ttlMs && { ttl }),
      ...(texts.justification !== before.justification && { justification: texts.justification }),
      ...(texts.ticket !== before.ticket && { ticket: texts.ticket }),
    });
    clear();
  };
  return (
    <Confirm
      title={t('access.changeTitle')}
      action={t('access.change')}
      disabled={!isChanged}
      onConfirm={done('access.doneChange', amend)}
      onClose={props.onClose}
    >
      <p>
        <Scopes scopes={request.scopes} />
      </p>
      <p class="quiet">{t('access.changeText')}</p>
      <LengthField label={t('access.howLong')} lengths={lengths} value={ttl} onValue={setTtl} />
      <Why texts={texts} change={change} />
    </Confirm>
  );
}

function Cancel({ request, ...props }: Props & { readonly request: Request }): JSX.Element {
  const { client } = useConsole();
  const done = useDone(props);
  return (
    <Confirm
      title={t('access.cancelTitle')}
      action={t('access.cancel')}
      kind="no"
      onConfirm={done('access.doneCancel', () => client.cancel(request.id))}
      onClose={props.onClose}
    >
      <p>
        <Scopes scopes={request.scopes} />
      </p>
      <p>{t('access.cancelText')}</p>
    </Confirm>
  );
}

interface Reasons {
  readonly justification: string;
  readonly ticket: string;
}

/** The texts that are not empty: an empty one would be refused as a value. */
const given = ({ justification, ticket }: Reasons) => ({
  ...(justification.trim() !== '' && { justification }),
  ...(ticket.trim() !== '' && { ticket: ticket.trim() }),
});

function Why({ texts, change }: { readonly texts: Reasons; readonly change: (some: Partial<Reasons>) => void }): JSX.Element {
  return (
    <>
      <TextField
        label={t('access.why')}
        required={false}
        lines={3}
        value={texts.justification}
        onValue={(justification) => change({ justification })}
      />
      <TextField
        label={t('access.ticket')}
        required={false}
        maxLength={200}
        value={texts.ticket}
        onValue={(ticket) => change({ ticket })}
      />
    </>
  );
}
