import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { TextField } from '../../parts/field.js';
import { Problem } from '../../parts/problem.js';
import { newKey } from '../../frame/use-key.js';
import { Cancel, Change, Extend, Release, Revoke } from './dialogs.js';
import type { RequestRead } from './read.js';
import { deedsOf } from './timeline.js';

interface ActionsProps {
  readonly read: RequestRead;
  readonly again: () => void;
}

const DIALOGS = { change: Change, cancel: Cancel, extend: Extend, release: Release, revoke: Revoke } as const;
type Opened = keyof typeof DIALOGS;

/** What this viewer may do with the request. */
export function Actions({ read, again }: ActionsProps): JSX.Element | null {
  const { caller, href, permits, readOnly } = useConsole();
  const [opened, setOpened] = useState<Opened>();
  const { found, reviewers } = read;
  const isReviewer = read.item !== undefined || reviewers?.reviewers?.includes(caller) === true || isPast(read, caller);
  const deeds = deedsOf(found, caller, { isReviewer, mayRevoke: permits('listGrants') });
  if (readOnly) return null;
  const buttons = (Object.keys(DIALOGS) as Opened[]).filter((name) => deeds[name]);
  const { request, outcome } = found;
  const canAskAgain =
    request.subject === caller &&
    request.scopes.length === 1 &&
    request.replacedBy === undefined &&
    outcome !== 'pending' &&
    outcome !== 'granted';
  const Open = opened && DIALOGS[opened];
  return (
    <>
      {canAskAgain && (
        <p>
          <a class="button" href={href('ask', undefined, { scope: request.scopes[0] })}>
            {t('request.again')}
          </a>
        </p>
      )}
      {buttons.length > 0 && (
        <section class="request-actions">
          <h2>{t('request.do')}</h2>
          <p class="actions">
            {buttons.map((name) => (
              <Button key={name} kind={name === 'revoke' || name === 'cancel' ? 'no' : undefined} onPress={() => setOpened(name)}>
                {t(`request.${name}`)}
              </Button>
            ))}
          </p>
        </section>
      )}
      {Open && <Open found={found} onDone={again} onClose={() => setOpened(undefined)} />}
      {deeds.comment && <Comment requestId={found.request.id} onDone={again} />}
    </>
  );
}

/** Whether the viewer has reviewed it. */
const isPast = ({ found }: RequestRead, caller: string): boolean => found.request.reviews.some(({ reviewer }) => reviewer === caller);

function Comment({ requestId, onDone }: { readonly requestId: string; readonly onDone: () => void }): JSX.Element {
  const { client, drafts, announce } = useConsole();
  const name = `comment:${requestId}`;
  const [text, setText] = useState(() => (drafts.read(name) as string | undefined) ?? '');
  const [key, setKey] = useState(newKey);
  const [error, setError] = useState<unknown>();
  const set = (value: string) => {
    setText(value);
    setKey(newKey());
    drafts.write(name, value === '' ? undefined : value);
  };
  const send = async () => {
    if (text.trim() === '') return;
    setError(undefined);
    try {
      await client.comment(requestId, { text: text.trim() }, { idempotencyKey: key });
      set('');
      announce(t('request.comment.done'));
      onDone();
    } catch (failure) {
      setError(failure);
      onDone();
    }
  };
  return (
    <section class="request-comment">
      <TextField label={t('request.comment')} hint={t('request.comment.hint')} value={text} onValue={set} lines={2} />
      {error !== undefined && <Problem error={error} />}
      <p class="actions">
        <Button onPress={send} disabled={text.trim() === ''}>
          {t('request.comment.send')}
        </Button>
      </p>
    </section>
  );
}
