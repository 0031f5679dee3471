import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { after } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Dialog } from '../../parts/dialog.js';
import { Whole } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { isRepeatedPress } from '../../parts/quiet.js';
import { Scope } from '../../parts/scope.js';
import type { Choice } from './choice.js';
import { revokeEach, type Result } from './revoke-each.js';
import { given, Reason } from './targets.js';

type Results = ReadonlyMap<string, Result>;

/** How many rows are chosen, and what to do with them. */
export function ChosenBar({ choice, onRevoke }: { readonly choice: Choice; readonly onRevoke: () => void }): JSX.Element | null {
  const count = choice.open.length;
  if (count === 0) return null;
  return (
    <p class="chosen-bar">
      <strong role="status">{t('live.chosen', { count })}</strong>
      <Button kind="no" onPress={onRevoke}>
        {t('live.revokeChosen', { count })}
      </Button>
      <Button kind="quiet" onPress={choice.clear}>
        {t('live.chooseNone')}
      </Button>
    </p>
  );
}

interface RevokeChosenProps {
  readonly choice: Choice;
  readonly onClose: () => void;
  readonly onEnded: (grantIds: readonly string[]) => void;
}

/** The calls that revoke grants, and the outcome of each. */
function useRevocations({ onEnded }: Pick<RevokeChosenProps, 'onEnded'>) {
  const { client, caller, announce } = useConsole();
  // Of the whole dialog, also of a repeat.
  const results = useRef<Results>(new Map());
  const [, draw] = useState(results.current);
  const end = useRef(new AbortController());
  useEffect(() => () => end.current.abort(), []);
  const [isSending, setSending] = useState(false);
  const send = async (ids: readonly string[], reason: string) => {
    end.current = new AbortController();
    setSending(true);
    await revokeEach(ids, {
      send: (id) => client.revoke(id, given(reason)),
      caller,
      signal: end.current.signal,
      after,
      onResult: (id, result) => draw((results.current = new Map([...results.current, [id, result]]))),
    });
    setSending(false);
    const all = [...results.current];
    announce(t('live.revokedOf', { count: all.filter(([, { kind }]) => kind === 'revoked').length, all: all.length }));
    onEnded(all.flatMap(([id, { kind }]) => (kind === 'revoked' || kind === 'ended' ? [id] : [])));
  };
  return { results: results.current, isSending, send, stop: () => end.current.abort() };
}

function Grants({ grants, results }: { readonly grants: readonly GrantWithStatus[]; readonly results?: Results }): JSX.Element {
  const people = useConsole().people.value;
  return (
    <ul class="chosen-list" tabIndex={0} aria-label={t('live.rows')}>
      {grants.map(({ id, subject, scope }) => {
        const kind = results?.get(id)?.kind;
        return (
          <li key={id}>
            <Whole id={subject} info={people.get(subject)} />
            <Scope scope={scope} />
            {kind && <span class={`chip ${TONES[kind] ?? ''}`}>{t(`live.result.${kind}`)}</span>}
          </li>
        );
      })}
    </ul>
  );
}

const TONES: Readonly<Partial<Record<Result['kind'], string>>> = { revoked: 'yes', refused: 'no', unanswered: 'wait', notSent: 'wait' };

/** Revokes what is chosen, with one reason. It lists whom each call is about, and its outcome. */
export function RevokeChosen({ choice, onClose, onEnded }: RevokeChosenProps): JSX.Element {
  const [reason, setReason] = useState('');
  const [sent, setSent] = useState<readonly GrantWithStatus[]>();
  const { results, isSending, send, stop } = useRevocations({ onEnded });
  const summary = useRef<HTMLParagraphElement>(null);
  // The button that was pressed is gone.
  useEffect(() => summary.current?.focus(), [isSending, sent]);
  const grants = sent ?? choice.open;
  const begin = () => {
    if (grants.length === 0) return;
    setSent(grants);
    void send(
      grants.filter(({ id }) => !isOver(results.get(id))).map(({ id }) => id),
      reason,
    );
  };
  const count = grants.length;
  const revoked = grants.filter(({ id }) => results.get(id)?.kind === 'revoked').length;
  const failure = [...results.values()].find(({ error }) => error !== undefined);
  return (
    <Dialog title={t('live.revokeChosen', { count })} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (sent === undefined) begin();
        }}
      >
        {sent && (
          <p ref={summary} class="effect effect-numbers" tabIndex={-1}>
            {t('live.revokedOf', { count: revoked, all: count })}
          </p>
        )}
        <Grants {...{ grants, results }} />
        {!sent && choice.ended.length > 0 && (
          <>
            <p class="effect-warning">{t('live.endedSince')}</p>
            <Grants grants={choice.ended} />
          </>
        )}
        {!isSending && failure && <Problem error={failure.error} />}
        {!sent && <Reason value={reason} onValue={setReason} />}
        <p class="actions">
          {isSending ? (
            <Button onPress={() => !isRepeatedPress() && stop()}>{t('live.stop')}</Button>
          ) : (
            <>
              {!grants.every(({ id }) => isOver(results.get(id))) && (
                <Button kind="no" onPress={begin}>
                  {sent ? t('problem.again') : t('live.revokeChosen', { count })}
                </Button>
              )}
              <Button onPress={onClose}>{t(sent ? 'part.close' : 'part.cancel')}</Button>
            </>
          )}
        </p>
      </form>
    </Dialog>
  );
}

/** Whether a grant needs no other call. */
const isOver = (result: Result | undefined): boolean => result?.kind === 'revoked' || result?.kind === 'ended';
