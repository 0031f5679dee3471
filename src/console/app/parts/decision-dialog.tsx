import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AccessRequest, Granted } from '../../../index.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import { hasFields, isListOf, isNumber, isText, optional } from '../frame/shape.js';
import { duration } from '../frame/time.js';
import { Button } from './button.js';
import { decisionDialog } from './decision-dialog.messages.js';
import { shorterThan } from './decision-terms.js';
import { draftOf } from './decisions.js';
import { Dialog } from './dialog.js';
import { TextField } from './field.js';
import { Name } from './person.js';
import { Scope } from './scope.js';
import { Text } from './text.js';
import type { DecisionControl } from './use-decision.js';

addMessages(decisionDialog);

interface Draft {
  readonly ttlMs?: number;
  readonly scopes?: readonly string[];
  readonly reason?: string;
  readonly comment?: string;
}

const isDraft = hasFields({
  ttlMs: optional(isNumber),
  scopes: optional(isListOf(isText)),
  reason: optional(isText),
  comment: optional(isText),
});

/** What was kept, if it has the shape of this version. */
export const readDraft = (kept: unknown): Draft => (isDraft(kept) ? (kept as Draft) : {});

export interface DecisionDialogProps {
  readonly request: AccessRequest;
  readonly control: DecisionControl;
  /** What an approval would allow without a change. */
  readonly terms: Granted;
  readonly isLocked: boolean;
  readonly onClose: () => void;
}

/** Less time, fewer scopes, a reason, a comment: then approve or deny. What was typed stays until it is sent. */
export function DecisionDialog({ request, control, terms, isLocked, onClose }: DecisionDialogProps): JSX.Element {
  const { draft, change, ttlMs, scopes, isNarrowed } = useDecisionDraft(request.id, terms);
  const { reason = '', comment = '' } = draft;
  const decide = (verdict: 'approve' | 'deny') => {
    control.decide(verdict, { reason, comment, narrowed: verdict === 'approve' && isNarrowed ? { ttlMs, scopes } : undefined });
    onClose();
  };
  return (
    <Dialog title={<Text k="decision.dialog.title" with={{ who: <Name id={request.subject} /> }} />} onClose={onClose}>
      <div class="form">
        <Lengths longest={terms.ttlMs} value={ttlMs} onValue={(ms) => change({ ttlMs: ms })} />
        {terms.scopes.length > 1 && <Scopes offered={terms.scopes} value={scopes} onValue={(kept) => change({ scopes: kept })} />}
        <TextField
          label={t('part.reason')}
          hint={t('decision.dialog.reason')}
          required={false}
          lines={2}
          value={reason}
          onValue={(text) => change({ reason: text })}
        />
        <TextField
          label={t('decision.dialog.comment')}
          hint={t('decision.dialog.comment.hint')}
          required={false}
          lines={2}
          value={comment}
          onValue={(text) => change({ comment: text })}
        />
        <p class="actions">
          <Button kind="yes" disabled={isLocked || scopes.length === 0} onPress={() => decide('approve')}>
            {t('decision.approve', { long: duration(ttlMs) })}
          </Button>
          <Button kind="no" onPress={() => decide('deny')}>
            {t('decision.deny')}
          </Button>
          <Button kind="quiet" onPress={onClose}>
            {t('part.cancel')}
          </Button>
        </p>
      </div>
    </Dialog>
  );
}

/** What the reviewer has typed, and the length and the scopes that an approval would allow with it. */
function useDecisionDraft(requestId: AccessRequest['id'], terms: Granted) {
  const { drafts } = useConsole();
  const name = draftOf(requestId);
  const [draft, setDraft] = useState(() => readDraft(drafts.read(name)));
  const change = (more: Draft) => {
    const next = { ...draft, ...more };
    setDraft(next);
    drafts.write(name, next);
  };
  // Approvals may have narrowed the request since the draft was typed.
  const ttlMs = Math.min(draft.ttlMs ?? terms.ttlMs, terms.ttlMs);
  const scopes = terms.scopes.filter((scope) => draft.scopes?.includes(scope) ?? true);
  const isNarrowed = ttlMs < terms.ttlMs || scopes.length < terms.scopes.length;
  return { draft, change, ttlMs, scopes, isNarrowed };
}

interface LengthsProps {
  readonly longest: number;
  readonly value: number;
  readonly onValue: (ms: number) => void;
}

function Lengths({ longest, value, onValue }: LengthsProps): JSX.Element {
  return (
    <fieldset class="choices">
      <legend>{t('decision.dialog.long')}</legend>
      {[...shorterThan(longest), longest].map((ms) => (
        <label key={ms}>
          <input type="radio" name="ttl" autofocus={ms === value} checked={ms === value} onChange={() => onValue(ms)} />
          <span>{duration(ms)}</span>
        </label>
      ))}
    </fieldset>
  );
}

interface ScopesProps {
  /** The scopes that an approval would allow without a change. */
  readonly offered: readonly string[];
  readonly value: readonly string[];
  readonly onValue: (scopes: readonly string[]) => void;
}

function Scopes({ offered, value, onValue }: ScopesProps): JSX.Element {
  return (
    <fieldset class="checks">
      <legend>{t('decision.dialog.scopes')}</legend>
      {offered.map((scope) => (
        <label key={scope}>
          <input
            type="checkbox"
            checked={value.includes(scope)}
            onChange={({ currentTarget: { checked } }) =>
              onValue(offered.filter((other) => (other === scope ? checked : value.includes(other))))
            }
          />
          <Scope scope={scope} />
        </label>
      ))}
    </fieldset>
  );
}
