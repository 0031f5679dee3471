import type { JSX } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import type { AccessRequest, Granted } from '../../../index.js';
import { useConsole } from '../frame/console.js';
import { t, type MessageKey } from '../frame/messages.js';
import { later } from '../frame/later.js';
import { duration } from '../frame/time.js';
import { Button } from './button.js';
import type { Decision, HeldDecision } from './decision-queue.js';
import type { Refusal } from './decision-refusal.js';
import { termsOf } from './decision-terms.js';
import './decision.css';
import { Name } from './person.js';
import { Scopes } from './scope.js';
import { Text } from './text.js';
import { Duration } from './time.js';
import type { DecisionControl } from './use-decision.js';

const DecisionDialog = later(() => import('./decision-dialog.js').then((module) => module.DecisionDialog));

export interface DecisionBarProps {
  readonly request: AccessRequest;
  readonly control: DecisionControl;
  /** What the approvals so far leave. `undefined`: what was requested. */
  readonly narrowedTo?: Granted | undefined;
  /** Whether a lock refuses an approval now. */
  readonly isLocked?: boolean | undefined;
  /** Whether the dialog is open that narrows the request. A row opens it by a key too. */
  readonly isNarrowing: boolean;
  readonly setNarrowing: (isNarrowing: boolean) => void;
}

/** The buttons that decide a request, and what became of the decision. Shows nothing on a page that only shows. */
export function DecisionBar(props: DecisionBarProps): JSX.Element | null {
  const { request, control, narrowedTo, isLocked = false, isNarrowing, setNarrowing } = props;
  const { people, readOnly } = useConsole();
  const { held, isOpen, recorded } = control;
  if (readOnly) return null;
  if (recorded) return <p class="decision-done">{t(`decision.recorded.${recorded.verdict}`)}</p>;
  const who = people.value.get(request.subject)?.name ?? request.subject;
  const { scopes, ttlMs } = termsOf(request, narrowedTo);
  const values = { who, what: scopes.join(', '), long: duration(ttlMs) };
  return (
    <>
      {held && <Held {...{ held, control }} onDismiss={control.dismiss} onChange={() => setNarrowing(true)} />}
      {isOpen && !held && (
        <p class="actions decision-actions">
          <Button kind="yes" disabled={isLocked} label={t('decision.approve.label', values)} onPress={() => control.decide('approve')}>
            {t('decision.approve', values)}
          </Button>
          <Button kind="no" label={t('decision.deny.label', values)} onPress={() => control.decide('deny')}>
            {t('decision.deny')}
          </Button>
          <Button label={t('decision.change.label', values)} onPress={() => setNarrowing(true)}>
            {t('decision.change')}
          </Button>
        </p>
      )}
      {isNarrowing && <DecisionDialog {...{ request, control, isLocked }} terms={{ scopes, ttlMs }} onClose={() => setNarrowing(false)} />}
    </>
  );
}

export interface HeldProps {
  readonly held: HeldDecision;
  /** `undefined`: the request is not shown here, so nothing can be decided again. */
  readonly control: Pick<DecisionControl, 'decide' | 'undo'> | undefined;
  readonly onDismiss: () => void;
  /** Opens the dialog with other terms. */
  readonly onChange?: (() => void) | undefined;
}

/** A decision that is not recorded: who, what and how long, and what can still be done. */
export function Held({ held, control, onDismiss, onChange }: HeldProps): JSX.Element {
  const strip = useRef<HTMLDivElement>(null);
  const isWaiting = held.state === 'waiting';
  useLayoutEffect(() => {
    // The button that decided is gone. The person who pressed it finds the way back at the same place.
    const row = strip.current?.closest('.row, main');
    const active = document.activeElement;
    if (isWaiting && (active === document.body || row === active)) strip.current?.querySelector('button')?.focus();
  }, [isWaiting]);
  const again = () => control?.decide(held.verdict, { ...held, narrowed: held.isNarrowed ? held : undefined });
  return (
    <div class={`decision-held ${held.state}`} ref={strip}>
      <p>
        <Sentence decision={held} />{' '}
        <strong>
          {held.state === 'unanswered' && held.lasting !== undefined ? (
            <bdi>{held.lasting}</bdi>
          ) : (
            t(held.isLate === true ? 'decision.late' : `decision.${held.state}`)
          )}
        </strong>{' '}
        {held.state === 'refused' && <bdi>{held.lasting ?? refusalText(held.refusal)}</bdi>}
      </p>
      {isWaiting && (
        <>
          <Button small onPress={control?.undo}>
            {t('decision.undo')}
          </Button>
          <span class="decision-clock" aria-hidden="true" />
        </>
      )}
      {(held.state === 'refused' || held.state === 'unanswered') && (
        <p class="actions">
          {held.state === 'refused' && <SignIn refusal={held.refusal} />}
          {control && canRepeat(held) && (
            <Button small onPress={again}>
              {t('decision.again')}
            </Button>
          )}
          {onChange && canRepeat(held) && (
            <Button small onPress={onChange}>
              {t('decision.change')}
            </Button>
          )}
          <Button small kind="quiet" onPress={onDismiss}>
            {t('decision.dismiss')}
          </Button>
        </p>
      )}
    </div>
  );
}

function Sentence({ decision }: { readonly decision: Decision }): JSX.Element {
  const { verdict, subject, scopes, ttlMs } = decision;
  const parts = { who: <Name id={subject} />, what: <Scopes scopes={scopes} />, long: <Duration ms={ttlMs} /> };
  return <Text k={`decision.yours.${verdict}`} with={parts} />;
}

function SignIn({ refusal: { stepUp } }: { readonly refusal: Refusal }): JSX.Element | null {
  const console = useConsole();
  if (stepUp === undefined || console.options.stepUpUrl === undefined) return null;
  return (
    <Button small kind="yes" onPress={() => void console.stepUp(stepUp)}>
      {t('problem.signIn')}
    </Button>
  );
}

/** Whether the same decision may be taken after another attempt. */
const canRepeat = (held: HeldDecision): boolean =>
  held.state === 'unanswered' || (held.state === 'refused' && !FINAL.has(held.refusal.name));

const FINAL: ReadonlySet<string> = new Set(['decided', 'deadline', 'not-found', 'self-review', 'not-reviewer']);

const REFUSALS: Readonly<Record<string, MessageKey>> = {
  deadline: 'decision.refused.deadline',
  locked: 'decision.refused.locked',
  'not-found': 'decision.refused.not-found',
  'not-reviewer': 'decision.refused.not-reviewer',
  requirements: 'decision.refused.requirements',
  'self-review': 'decision.refused.self-review',
  'too-many-requests': 'decision.refused.busy',
  unauthenticated: 'decision.refused.signed-out',
  unrecorded: 'decision.refused.unrecorded',
};

const OUTCOMES: Readonly<Record<string, MessageKey>> = {
  approved: 'decision.refused.approved',
  granted: 'decision.refused.approved',
  ended: 'decision.refused.approved',
  denied: 'decision.refused.denied',
  cancelled: 'decision.refused.cancelled',
  expired: 'decision.refused.deadline',
};

const WHY: Readonly<Record<string, MessageKey>> = {
  not_in_group: 'decision.why.not_in_group',
  not_your_step: 'decision.why.not_your_step',
  has_denied: 'decision.why.has_denied',
  is_agent: 'decision.why.is_agent',
};

/** What became of a request that no longer waits. @param outcome its outcome or its status; `undefined`: the viewer cannot see it */
export const outcomeText = (outcome: string | undefined): string => t(OUTCOMES[outcome ?? ''] ?? 'decision.refused.not-found');

/** Why the API refused a decision, in words. */
export function refusalText({ name, why, stepUp }: Refusal): string {
  if (stepUp !== undefined) return t('decision.refused.step-up');
  if (name === 'decided') return outcomeText(why);
  const key = name === 'not-reviewer' ? WHY[why ?? ''] : REFUSALS[name];
  return t(key ?? 'decision.refused.other', { name });
}
