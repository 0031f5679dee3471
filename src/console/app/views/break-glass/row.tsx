import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { useComputed } from '@preact/signals';
import { second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { isText } from '../../frame/shape.js';
import { Asked } from '../../parts/asked.js';
import { Button } from '../../parts/button.js';
import { Held } from '../../parts/decision.js';
import { draftOf } from '../../parts/decisions.js';
import { Confirm } from '../../parts/dialog.js';
import { TextField } from '../../parts/field.js';
import { Row } from '../../parts/list.js';
import { Name, Person } from '../../parts/person.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Countdown, Time } from '../../parts/time.js';
import { useDecision, type DecisionControl } from '../../parts/use-decision.js';
import type { Listed } from './read.js';

/** One use of emergency access, in a line that opens: who took what, when and why, and the review that must follow. */
export function BreakGlassRow({ item, isGone }: { readonly item: Listed; readonly isGone: boolean }): JSX.Element {
  const { request, reviewBy } = item;
  const { people, href, readOnly } = useConsole();
  const control = useDecision(request);
  const isOverdue = useComputed(() => second.value >= reviewBy).value;
  const who = people.value.get(request.subject)?.name ?? request.subject;
  const { afterReview } = request;
  // Also while the row is closed: it can be undone, or has failed.
  const held = !readOnly && control.held;
  return (
    <Row label={t('break-glass.row', { who, what: request.scopes.join(', ') })}>
      <details class={isGone ? 'review over' : 'review'}>
        <summary>
          <Person id={request.subject} short />
          <Scopes scopes={request.scopes} />
          <span class={isOverdue && !isGone ? 'chip no' : 'inbox-due'}>
            {isGone ? (
              t('break-glass.gone')
            ) : isOverdue ? (
              <Text k="break-glass.overdue" with={{ time: <Time at={reviewBy} /> }} />
            ) : (
              <Text k="break-glass.due" with={{ time: <Countdown until={reviewBy} /> }} />
            )}
          </span>
        </summary>
        <div class="inbox-row">
          <div class="inbox-columns">
            <div class="inbox-ask">
              <Asked request={request} when={<Text k="break-glass.taken" with={{ time: <Time at={request.createdAt} /> }} />} />
            </div>
            <ul class="facts">
              <li>
                <Text k="break-glass.blocked" with={{ who: <Name id={request.subject} /> }} />
              </li>
              {afterReview && afterReview.skippedGroups.length > 0 && (
                <li>{t('break-glass.skipped', { groups: afterReview.skippedGroups.join(', ') })}</li>
              )}
              {afterReview && <li>{t('break-glass.reviewers', { groups: afterReview.reviewers.join(', ') })}</li>}
            </ul>
          </div>
          {!held && !control.recorded && <Review {...{ item, isGone, control }} />}
          <footer class="inbox-foot">
            <span />
            <a href={href('request', request.id)}>{t('inbox.open')}</a>
          </footer>
        </div>
      </details>
      {control.recorded && <p class="decision-done">{t(`decision.recorded.${control.recorded.verdict}`)}</p>}
      {held && <Held held={held} control={control} onDismiss={control.dismiss} />}
    </Row>
  );
}

interface ReviewProps {
  readonly item: Listed;
  readonly isGone: boolean;
  readonly control: DecisionControl;
}

function Review({ item: { request, mine }, isGone, control }: ReviewProps): JSX.Element | null {
  const { announce, client, drafts, people, readOnly } = useConsole();
  const name = draftOf(request.id);
  const [reason, setReason] = useState(() => {
    const kept = drafts.read(name);
    return isText(kept) ? kept : '';
  });
  const [isConfirming, setConfirming] = useState(false);
  const change = (text: string) => {
    setReason(text);
    drafts.write(name, text || undefined);
  };
  if (readOnly || isGone) return null;
  if (!mine) return <p class="quiet">{t('break-glass.others')}</p>;
  const values = { who: people.value.get(request.subject)?.name ?? request.subject, what: request.scopes.join(', ') };
  const confirm = async () => {
    await client.reviewBreakGlass(request.id, { verdict: 'unjustified', reason: reason.trim() || undefined });
    change('');
    announce(t('decision.recorded.unjustified'));
  };
  return (
    <div class="form">
      <TextField label={t('part.reason')} hint={t('break-glass.reason')} required={false} value={reason} onValue={change} />
      <p class="actions">
        <Button kind="yes" label={t('break-glass.justified.label', values)} onPress={() => control.decide('justified', { reason })}>
          {t('break-glass.justified')}
        </Button>
        <Button kind="no" label={t('break-glass.unjustified.label', values)} onPress={() => setConfirming(true)}>
          {t('break-glass.unjustified')}
        </Button>
      </p>
      {isConfirming && (
        <Confirm
          title={t('break-glass.confirm')}
          action={t('break-glass.confirm.action')}
          kind="no"
          onConfirm={confirm}
          onClose={() => setConfirming(false)}
        >
          <p>
            <Text k="break-glass.confirm.text" with={{ who: <Name id={request.subject} />, what: <Scopes scopes={request.scopes} /> }} />
          </p>
          <TextField label={t('part.reason')} hint={t('break-glass.reason')} required={false} value={reason} onValue={change} />
        </Confirm>
      )}
    </div>
  );
}
