import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { AccessPreview } from '../../../../explain/preview.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { TextField } from '../../parts/field.js';
import { Named } from './chooser.js';
import { isOpen, type Choice } from './choices.js';
import { askOf, byField, changed, emptyFields, FIELDS, newDraft, retyped, type Addressed, type AskDraft } from './draft.js';
import { Facts } from './facts.js';
import { Length, MetadataField, Start, Subject } from './fields.js';
import { Outcome } from './outcome.js';
import { ProblemTexts, RefusalTexts } from './problem-texts.js';
import { refusalOf, refusedPreview, type AskRefusal, type FieldProblem } from './problems.js';

/** What the API has said about the values of one draft, which its key names. */
interface Answer {
  readonly key: string;
  readonly preview?: Exclude<AccessPreview, { readonly outcome: 'refused' }>;
  readonly refusal?: AskRefusal;
}

export interface AskFormProps {
  readonly choice: Choice;
  /** What the address fills, if the person has no draft. */
  readonly given: Addressed;
}

/** The form for a scope. It asks what will happen first, and sends only what was shown. */
export function AskForm({ choice, given }: AskFormProps): JSX.Element {
  const { client, drafts, href, navigate, announce } = useConsole();
  const name = `ask:${given.scope ?? choice.scope}`;
  const [draft, setDraft] = useState(() => (drafts.read(name) as AskDraft | undefined) ?? newDraft(choice, given));
  const [answer, setAnswer] = useState<Answer>();
  const [empty, setEmpty] = useState<readonly FieldProblem[]>([]);
  const form = useRef<HTMLFormElement>(null);
  const { needs, maxStartAheadMs } = choice;
  // An answer about other values says nothing about these.
  const { preview, refusal } = answer?.key === draft.key ? answer : {};

  const keep = (next: AskDraft) => {
    setDraft(next);
    drafts.write(name, next);
  };
  const set = (values: Partial<AskDraft>) => {
    setEmpty([]);
    keep(changed(draft, values));
  };
  const problems = [...empty, ...(refusal?.problems ?? [])];
  const placed = byField(problems, [...FIELDS, ...needs.fields.map(({ field }) => field)]);
  const others = placed.get('') ?? [];
  const problemOf = (field: string) => {
    const found = placed.get(field);
    return found && <ProblemTexts problems={found} />;
  };
  useEffect(() => {
    if (problems.length === 0) return;
    // A problem may belong to a field that is folded away.
    const wrong = form.current?.querySelector<HTMLElement>('[aria-invalid="true"]');
    const more = wrong?.closest('details');
    if (more) more.open = true;
    wrong?.focus();
  }, [answer, empty]);

  const check = async () => {
    const missing = emptyFields(choice, draft);
    setEmpty(missing);
    if (missing.length > 0) return;
    let checked = draft;
    const ask = async (): Promise<Answer> => {
      const { key } = checked;
      try {
        const said = await client.requestAccess({ ...askOf(checked), dryRun: true });
        return said.outcome === 'refused' ? { key, refusal: refusedPreview(said) } : { key, preview: said };
      } catch (error) {
        return { key, refusal: refusalOf(error, checked.subject.trim() !== '') };
      }
    };
    let said = await ask();
    const next = retyped(checked, said.refusal?.problems ?? []);
    if (next !== undefined) {
      keep((checked = next));
      said = await ask();
    }
    setAnswer(said);
  };
  const send = async () => {
    try {
      const { request, outcome } = await client.requestAccess(askOf(draft), { idempotencyKey: draft.key });
      drafts.write(name, undefined);
      announce(t(outcome === 'granted' ? 'ask.granted' : 'ask.sent'));
      navigate(href('request', request.id));
    } catch (error) {
      const failed = refusalOf(error, draft.subject.trim() !== '');
      // Without an answer, the same send stays on the page: its key makes a repeat safe.
      setAnswer({ key: draft.key, refusal: failed, ...(failed.isUnknown && preview && { preview }) });
    }
  };

  const justification = (required: boolean) => (
    <TextField
      label={t('ask.justification')}
      hint={t('ask.justification.hint')}
      problem={problemOf('justification')}
      value={draft.justification}
      onValue={(value) => set({ justification: value })}
      lines={3}
      required={required}
    />
  );
  const ticket = (required: boolean) => (
    <TextField
      label={t('ask.ticket')}
      hint={typeof needs.ticket === 'string' ? t('ask.ticket.hint', { form: needs.ticket }) : undefined}
      problem={problemOf('ticket')}
      value={draft.ticket}
      onValue={(value) => set({ ticket: value })}
      required={required}
    />
  );
  return (
    <form
      class="ask-form"
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void check();
      }}
    >
      <header class="ask-head">
        <h2>
          <Named {...choice} />
        </h2>
        {choice.description !== undefined && (
          <p>
            <bdi>{choice.description}</bdi>
          </p>
        )}
        <p>
          <Facts choice={choice} />
        </p>
      </header>
      {isOpen(choice) && (
        <TextField
          label={t('ask.scope')}
          hint={t('ask.scope.hint', { pattern: choice.scope })}
          problem={problemOf('scope')}
          value={draft.scope}
          onValue={(scope) => set({ scope })}
          maxLength={256}
        />
      )}
      <Length choice={choice} value={draft.ttl} problem={problemOf('ttl')} onValue={(ttl) => set({ ttl })} />
      {needs.justification && justification(true)}
      {needs.ticket !== undefined && ticket(true)}
      {needs.fields.map(({ field, title, values, form: like }) => (
        <MetadataField
          key={field}
          {...{ title: title ?? field.replace(/^metadata\./, ''), values, like }}
          problem={problemOf(field)}
          value={draft.fields[field] ?? ''}
          onValue={(value) => set({ fields: { ...draft.fields, [field]: value } })}
        />
      ))}
      <details class="ask-more">
        <summary>{t('ask.more')}</summary>
        <div class="ask-fields">
          {!needs.justification && justification(false)}
          {needs.ticket === undefined && ticket(false)}
          <Subject value={draft.subject} problem={problemOf('subject')} onValue={(subject) => set({ subject })} />
          {maxStartAheadMs !== 0 && (
            <Start value={draft.start} aheadMs={maxStartAheadMs} problem={problemOf('startsAt')} onValue={(start) => set({ start })} />
          )}
        </div>
      </details>
      {(others.length > 0 || (refusal !== undefined && problems.length === 0)) && (
        <div class="problem" role="alert">
          {others.length > 0 ? (
            <>
              <p>{t('ask.problem.others')}</p>
              {others.map((problem) => (
                <p key={problem.field}>
                  <code>{problem.field}</code> <ProblemTexts problems={[problem]} />
                </p>
              ))}
            </>
          ) : (
            refusal && <RefusalTexts refusal={refusal} isSend={preview !== undefined} />
          )}
        </div>
      )}
      {preview === undefined ? (
        <p class="actions">
          <Button kind="yes" type="submit">
            {t('ask.check')}
          </Button>
        </p>
      ) : (
        <Outcome preview={preview} choice={choice} onSend={send} />
      )}
    </form>
  );
}
