import type { JSX } from 'preact';
import { patternScopes } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { TextField } from '../../parts/field.js';
import { Named } from './chooser.js';
import { exampleOf, isOpen, type Choice } from './choices.js';
import type { Addressed } from './draft.js';
import { Facts } from './facts.js';
import { Length, MetadataField, Start, Subject } from './fields.js';
import { Outcome } from './outcome.js';
import { ProblemTexts, RefusalTexts } from './problem-texts.js';
import { useAsk, type Ask } from './use-ask.js';

export interface AskFormProps {
  readonly choice: Choice;
  /** What the address fills, if the person has no draft. */
  readonly given: Addressed;
}

/** The form for a scope. It asks what will happen first, and sends only what was shown. */
export function AskForm({ choice, given }: AskFormProps): JSX.Element {
  const ask = useAsk(choice, given);
  const { form, preview, isRefused, isQuiet, check, send, take } = ask;
  const isAtOnce = choice.outcome === 'approve';
  return (
    <form
      class="ask-form"
      ref={form}
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        void (isAtOnce ? take() : check());
      }}
    >
      <div class="ask-fields">
        <Head choice={choice} scope={ask.draft.scope.trim()} />
        <NeededFields ask={ask} choice={choice} />
        <MoreFields ask={ask} choice={choice} />
        <OtherProblems ask={ask} />
        {isAtOnce ? (
          <p class="actions">
            <Button kind="yes" onPress={take}>
              {t('ask.send.granted')}
            </Button>
          </p>
        ) : (
          preview === undefined && (
            <p class="actions">
              <Button kind="yes" type="submit">
                {t('ask.check')}
              </Button>
            </p>
          )
        )}
      </div>
      {preview !== undefined ? (
        <Outcome
          preview={preview}
          choice={choice}
          isQuiet={isQuiet}
          onSend={isAtOnce && preview.outcome === 'granted' ? undefined : send}
        />
      ) : (
        <section class="ask-outcome unsaid" role="status">
          <h3>{t('ask.will')}</h3>
          <p class="quiet">{t(isRefused ? 'ask.will.refused' : 'ask.will.unsaid')}</p>
        </section>
      )}
    </form>
  );
}

/** What the form asks for: of a pattern, the scope within it. */
function Head({ choice, scope }: Pick<AskFormProps, 'choice'> & { readonly scope: string }): JSX.Element {
  return (
    <header class="ask-head">
      <h2>
        <Named {...choice} scope={patternScopes.covers(choice.scope, scope) ? scope : choice.scope} />
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
  );
}

interface FieldsProps {
  readonly ask: Ask;
  readonly choice: Choice;
}

/** The fields that the rule requires, and the reason: a reviewer asks for it first. */
function NeededFields({ ask, choice }: FieldsProps): JSX.Element {
  const { draft, set } = ask;
  const { needs } = choice;
  return (
    <>
      {isOpen(choice) && (
        <TextField
          label={t('ask.scope')}
          hint={choice.scope === '**' ? undefined : t('ask.scope.hint', { pattern: choice.scope })}
          problem={problemOf(ask, 'scope')}
          value={draft.scope}
          onValue={(scope) => set({ scope })}
          maxLength={256}
        />
      )}
      <Length choice={choice} value={draft.ttl} problem={problemOf(ask, 'ttl')} onValue={(ttl) => set({ ttl })} />
      <TextField
        label={t('ask.justification')}
        hint={t('ask.justification.hint')}
        problem={problemOf(ask, 'justification')}
        value={draft.justification}
        onValue={(justification) => set({ justification })}
        lines={3}
        required={needs.justification}
      />
      {needs.ticket !== undefined && <Ticket ask={ask} form={needs.ticket} required />}
      {needs.fields.map(({ field, title, values, form: like }) => (
        <MetadataField
          key={field}
          {...{ title: title ?? field.replace(/^metadata\./, ''), values, like }}
          problem={problemOf(ask, field)}
          value={draft.fields[field] ?? ''}
          onValue={(value) => set({ fields: { ...draft.fields, [field]: value } })}
        />
      ))}
    </>
  );
}

/** The optional fields, folded away. */
function MoreFields({ ask, choice: { needs, maxStartAheadMs } }: FieldsProps): JSX.Element {
  const { draft, set } = ask;
  return (
    <details class="ask-more">
      <summary>{t('ask.more')}</summary>
      <div class="ask-fields">
        {needs.ticket === undefined && <Ticket ask={ask} form={needs.ticket} required={false} />}
        <Subject value={draft.subject} problem={problemOf(ask, 'subject')} onValue={ask.setSubject} />
        {maxStartAheadMs !== 0 && (
          <Start value={draft.start} aheadMs={maxStartAheadMs} problem={problemOf(ask, 'startsAt')} onValue={(start) => set({ start })} />
        )}
      </div>
    </details>
  );
}

interface TicketProps {
  readonly ask: Ask;
  readonly form: Choice['needs']['ticket'];
  readonly required: boolean;
}

function Ticket({ ask, form, required }: TicketProps): JSX.Element {
  return (
    <TextField
      label={t('ask.ticket')}
      hint={typeof form === 'string' ? t('ask.ticket.hint', { example: exampleOf(form) }) : undefined}
      problem={problemOf(ask, 'ticket')}
      value={ask.draft.ticket}
      onValue={(value) => ask.set({ ticket: value })}
      required={required}
    />
  );
}

function problemOf({ placed }: Ask, field: string): JSX.Element | undefined {
  const found = placed.get(field);
  return found && <ProblemTexts problems={found} />;
}

/** The problems that belong to no input of the form; without any problem, why the ask was refused as a whole. */
function OtherProblems({ ask: { placed, problems, refusal, preview } }: Pick<FieldsProps, 'ask'>): JSX.Element | null {
  const others = placed.get('') ?? [];
  if (others.length === 0 && (refusal === undefined || problems.length > 0)) return null;
  return (
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
  );
}
