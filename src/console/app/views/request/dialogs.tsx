import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { GrantWithStatus, RequestFound } from '../../../../index.js';
import { formatDuration } from '../../../../internal/page.js';
import { useConsole } from '../../frame/console.js';
import { addMessages, t } from '../../frame/messages.js';
import { useKey } from '../../frame/use-key.js';
import { useRead } from '../../frame/use-read.js';
import { Confirm } from '../../parts/dialog.js';
import { TextField } from '../../parts/field.js';
import { Name } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import { byField, FIELDS } from '../ask/draft.js';
import { Length } from '../ask/fields.js';
import { ProblemTexts } from '../ask/problem-texts.js';
import { refusalOf, type FieldProblem } from '../ask/problems.js';
import { ask } from '../ask.messages.js';
import { request as texts } from '../request.messages.js';
import { dialogs } from './dialogs.messages.js';

for (const table of [texts, ask, dialogs]) addMessages(table);

export interface RequestDialogProps {
  readonly found: Pick<RequestFound, 'request' | 'grants'>;
  /** The grant that is meant, if it is only one of several. */
  readonly grant?: GrantWithStatus | undefined;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

/** Runs a call whose refusal names fields, and shows each problem at its field. */
function useProblems(): readonly [of: (field: string) => ComponentChildren, attempt: (call: () => Promise<unknown>) => Promise<void>] {
  const [problems, setProblems] = useState<readonly FieldProblem[]>([]);
  const placed = byField(problems, FIELDS);
  const attempt = async (call: () => Promise<unknown>) => {
    setProblems([]);
    try {
      await call();
    } catch (error) {
      setProblems(refusalOf(error, false).problems);
      throw error;
    }
  };
  return [
    (field) => {
      const found = placed.get(field);
      return found && <ProblemTexts problems={found} />;
    },
    attempt,
  ];
}

/** Calls, says what was done, and reads again, also after a refusal: another person may have been faster. */
function useDeed({ onDone }: Pick<RequestDialogProps, 'onDone'>) {
  const { announce } = useConsole();
  return async (call: () => Promise<unknown>, done: string) => {
    try {
      await call();
      announce(done);
    } finally {
      onDone();
    }
  };
}

function Reason({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }): JSX.Element {
  return <TextField label={t('part.reason')} hint={t('request.reason.hint')} required={false} {...{ value, onValue }} />;
}

interface GroundsProps extends Pick<RequestFound, 'request'> {
  readonly problemOf: (field: string) => ComponentChildren;
  readonly justification: string;
  readonly setJustification: (text: string) => void;
  readonly ticket: string;
  readonly setTicket: (text: string) => void;
  readonly hint?: string;
}

/** Why, and the ticket. Each is required if the request has it. */
function Grounds({ request, problemOf, justification, setJustification, ticket, setTicket, hint }: GroundsProps): JSX.Element {
  return (
    <>
      <TextField
        label={t('ask.justification')}
        hint={hint}
        problem={problemOf('justification')}
        value={justification}
        onValue={setJustification}
        lines={3}
        required={request.justification !== undefined}
      />
      <TextField
        label={t('ask.ticket')}
        problem={problemOf('ticket')}
        value={ticket}
        onValue={setTicket}
        required={request.ticket !== undefined}
      />
    </>
  );
}

/** What is sent of a text that may be empty. */
const given = (text: string): string | undefined => text.trim() || undefined;

/** Replaces the request by one with other values. */
export function Change({ found: { request }, onDone, onClose }: RequestDialogProps): JSX.Element {
  const { client, navigate, href } = useConsole();
  const [ttl, setTtl] = useState(formatDuration(request.ttlMs));
  const [justification, setJustification] = useState(request.justification ?? '');
  const [ticket, setTicket] = useState(request.ticket ?? '');
  const [problemOf, attempt] = useProblems();
  const deed = useDeed({ onDone });
  const key = useKey(ttl, justification, ticket);
  const changes = {
    ...(ttl !== formatDuration(request.ttlMs) && { ttl: ttl as '30m' }),
    ...(justification !== (request.justification ?? '') && { justification }),
    ...(ticket !== (request.ticket ?? '') && { ticket }),
  };
  const confirm = () =>
    deed(
      () =>
        attempt(async () => {
          const { request: next } = await client.amend(request.id, changes, { idempotencyKey: key });
          navigate(href('request', next.id));
        }),
      t('request.change.done'),
    );
  return (
    <Confirm
      title={t('request.change.title')}
      action={t('request.change.do')}
      disabled={Object.keys(changes).length === 0}
      onConfirm={confirm}
      onClose={onClose}
    >
      <p>{t('request.change.text')}</p>
      <Length choice={{ maxTtlMs: request.ttlMs }} value={ttl} problem={problemOf('ttl')} onValue={setTtl} />
      <Grounds {...{ request, problemOf, justification, setJustification, ticket, setTicket }} />
    </Confirm>
  );
}

/** Asks for more time for all grants of the request. */
export function Extend({ found: { request, grants }, onDone, onClose }: RequestDialogProps): JSX.Element {
  const { client, navigate, href } = useConsole();
  const [ttl, setTtl] = useState('15m');
  const [justification, setJustification] = useState('');
  const [ticket, setTicket] = useState(request.ticket ?? '');
  const [problemOf, attempt] = useProblems();
  const deed = useDeed({ onDone });
  const key = useKey(ttl, justification, ticket);
  const confirm = () =>
    deed(
      () =>
        attempt(async () => {
          const extension = { ttl: ttl as '30m', justification: given(justification), ticket: given(ticket) };
          const { request: next } = await client.extendRequest(request.id, extension, { idempotencyKey: key });
          navigate(href('request', next.id));
        }),
      t('request.extend.done'),
    );
  const from = grants.find(({ status }) => status === 'active' || status === 'scheduled')?.expiresAt;
  return (
    <Confirm title={t('request.extend')} action={t('request.extend.do')} onConfirm={confirm} onClose={onClose}>
      {from !== undefined && (
        <p>
          <Text k="request.gap.ahead" with={{ time: <Time at={from} /> }} />
        </p>
      )}
      <Length choice={{}} value={ttl} problem={problemOf('ttl')} onValue={setTtl} />
      <Grounds {...{ request, problemOf, justification, setJustification, ticket, setTicket }} hint={t('ask.justification.hint')} />
    </Confirm>
  );
}

/** Cancels the pending request. */
export function Cancel({ found: { request }, onDone, onClose }: RequestDialogProps): JSX.Element {
  const { client } = useConsole();
  const [reason, setReason] = useState('');
  const deed = useDeed({ onDone });
  const confirm = () => deed(() => client.cancel(request.id, { reason: given(reason) }), t('request.cancel.done'));
  return (
    <Confirm title={t('request.cancel')} action={t('request.cancel')} kind="no" onConfirm={confirm} onClose={onClose}>
      <p>{t('request.cancel.text')}</p>
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}

/** Ends the viewer's own access early. */
export function Release({ found: { request, grants }, grant, onDone, onClose }: RequestDialogProps): JSX.Element {
  const { client } = useConsole();
  const deed = useDeed({ onDone });
  const open = grants.filter(({ status }) => status === 'active' || status === 'scheduled');
  const release = () => (grant ? client.releaseGrant(grant.id) : client.releaseRequest(request.id));
  const confirm = () => deed(release, t('request.release.done'));
  return (
    <Confirm title={t('request.release')} action={t('request.release')} onConfirm={confirm} onClose={onClose}>
      <p>
        <Scopes scopes={grant ? [grant.scope] : open.map(({ scope }) => scope)} />
      </p>
      <p>{t('request.release.text', { count: grant ? 1 : open.length })}</p>
    </Confirm>
  );
}

/** Ends the access of another person. The API counts first what the call ends, also extensions of the request. */
export function Revoke({ found: { request }, onDone, onClose }: RequestDialogProps): JSX.Element {
  const { client } = useConsole();
  const [reason, setReason] = useState('');
  const deed = useDeed({ onDone });
  const { id: requestId } = request;
  const { value, error, again } = useRead((signal) => client.revokeAll({ requestId, dryRun: true }, { signal }), [requestId]);
  const confirm = () => deed(() => client.revokeAll({ requestId, reason: given(reason) }), t('request.revoke.done'));
  return (
    <Confirm
      title={<Text k="request.revoke.title" with={{ name: <Name id={request.subject} /> }} />}
      action={t('request.revoke')}
      kind="no"
      disabled={value === undefined}
      onConfirm={confirm}
      onClose={onClose}
    >
      {error !== undefined && <Problem error={error} again={again} />}
      {value !== undefined && (
        <p>
          <strong>
            {t('request.revoke.text', {
              grants: t('request.revoke.grants', { count: value.grants }),
              people: t('request.revoke.people', { count: value.people }),
            })}
          </strong>
        </p>
      )}
      <Reason value={reason} onValue={setReason} />
    </Confirm>
  );
}
