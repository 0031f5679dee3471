import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AccessRequest, Granted } from '../../../../records/index.js';
import { useConsole } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { duration } from '../frame/time.js';
import { Button } from './button.js';
import { shorterThan } from './decision-terms.js';
import { draftOf } from './decisions.js';
import { Dialog } from './dialog.js';
import { TextField } from './field.js';
import { Name } from './person.js';
import { Scope } from './scope.js';
import { Text } from './text.js';
import type { DecisionControl } from './use-decision.js';

interface Draft {
  readonly ttlMs?: number;
  readonly scopes?: readonly string[];
  readonly reason?: string;
  readonly comment?: string;
}

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
  const { drafts } = useConsole();
  const name = draftOf(request.id);
  const [draft, setDraft] = useState(() => (drafts.read(name) ?? {}) as Draft);
  const change = (more: Draft) => {
    const next = { ...draft, ...more };
    setDraft(next);
    drafts.write(name, next);
  };
  // Approvals may have narrowed the request since the draft was typed.
  const ttlMs = Math.min(draft.ttlMs ?? terms.ttlMs, terms.ttlMs);
  const scopes = terms.scopes.filter((scope) => draft.scopes?.includes(scope) ?? true);
  const isNarrowed = ttlMs < terms.ttlMs || scopes.length < terms.scopes.length;
  const { reason = '', comment = '' } = draft;
  const decide = (verdict: 'approve' | 'deny') => {
    control.decide(verdict, { reason, comment, narrowed: verdict === 'approve' && isNarrowed ? { ttlMs, scopes } : undefined });
    onClose();
  };
  return (
    <Dialog title={<Text k="decision.dialog.title" with={{ who: <Name id={request.subject} /> }} />} onClose={onClose}>
      <div class="form">
        <fieldset class="choices">
          <legend>{t('decision.dialog.long')}</legend>
          {[...shorterThan(terms.ttlMs), terms.ttlMs].map((ms) => (
            <label key={ms}>
              <input type="radio" name="ttl" autofocus={ms === ttlMs} checked={ms === ttlMs} onChange={() => change({ ttlMs: ms })} />
              <span>{duration(ms)}</span>
            </label>
          ))}
        </fieldset>
        {terms.scopes.length > 1 && (
          <fieldset class="checks">
            <legend>{t('decision.dialog.scopes')}</legend>
            {terms.scopes.map((scope) => (
              <label key={scope}>
                <input
                  type="checkbox"
                  checked={scopes.includes(scope)}
                  onChange={({ currentTarget: { checked } }) =>
                    change({ scopes: terms.scopes.filter((other) => (other === scope ? checked : scopes.includes(other))) })
                  }
                />
                <Scope scope={scope} />
              </label>
            ))}
          </fieldset>
        )}
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
