import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { isPattern } from '../../../../internal/page.js';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Field } from '../../parts/field.js';
import { PersonInput } from '../../parts/person-input.js';
import { ScopeInput } from '../../parts/scope-input.js';
import { mayUsePatterns } from './pattern-problem.js';
import { addressOf, isOfScope, widestTopic, type Question, type Topic } from './question.js';
import { containing } from './span.js';

/** A local time for `<input type="datetime-local">`. */
const toLocal = (at: number): string => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 19);

const textOf = (topic: Topic): string => ('scope' in topic ? topic.scope : 'pattern' in topic ? topic.pattern : '');

/** What the form has, and what its press asks. */
function useFinder(question: Question) {
  const page = useConsole();
  const { href, navigate, caller, permits } = page;
  const { topic } = question;
  const isOwn = 'person' in topic && topic.person === caller;
  const [kind, setKind] = useState<'person' | 'scope'>('person' in topic && !(isOwn && permits('whoHadAccess')) ? 'person' : 'scope');
  // `undefined`: what is typed is no person.
  const [value, setValue] = useState<string | undefined>('person' in topic && !isOwn ? topic.person : textOf(topic));
  const [at, setAt] = useState(toLocal(question.at));
  const [problem, setProblem] = useState<'history.noScope' | 'history.patternForbidden'>();
  useEffect(() => setAt(toLocal(question.at)), [question.at]);
  const hasPatterns = mayUsePatterns(page);

  /** What the field asks about. `undefined`: it cannot be asked. */
  const topicOf = (text: string): Topic | undefined => {
    if (kind === 'person') return { person: text || caller };
    if (text === '') return widestTopic(page);
    const problemOf = !isPattern(text) ? 'history.noScope' : text.includes('*') && !hasPatterns ? 'history.patternForbidden' : undefined;
    setProblem(problemOf);
    return problemOf === undefined ? (hasPatterns ? { pattern: text } : { scope: text }) : undefined;
  };
  const show = (text = value?.trim()) => {
    const next = text === undefined ? undefined : topicOf(text.replace(/:$/, ''));
    if (next === undefined) return;
    const chosen = new Date(at).getTime();
    // What was not touched keeps its milliseconds.
    const instant = at !== toLocal(question.at) && chosen >= 0 ? Math.min(chosen, Math.floor(now())) : question.at;
    const span = isOfScope(next) ? containing(question.span, instant, now()) : question.span;
    navigate(href('history', undefined, addressOf({ topic: next, span, at: Math.min(instant, span.to - 1) })));
  };
  const write = (next: string | undefined) => {
    setValue(next);
    setProblem(undefined);
  };
  return { kind, setKind, value: value ?? '', write, at, setAt, problem, hasPatterns, show };
}

interface FinderProps {
  readonly question: Question;
  /** What is shown: the fields offer its people and scopes. */
  readonly grants: readonly GrantWithStatus[];
}

/** The form for another question. It opens its address. Nothing written: the own access, or all. */
export function Finder({ question, grants }: FinderProps): JSX.Element {
  const { kind, setKind, at, setAt, show, ...topic } = useFinder(question);
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return (
    <form
      class={`finder of-${kind}`}
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        show();
      }}
    >
      <Field label={t('history.by')}>
        {({ required: _, ...control }) => (
          <select {...control} value={kind} onChange={({ currentTarget }) => setKind(currentTarget.value as typeof kind)}>
            <option value="person">{t('history.by.person')}</option>
            <option value="scope">{t('history.by.scope')}</option>
          </select>
        )}
      </Field>
      <TopicField kind={kind} {...topic} show={show} grants={grants} />
      {kind === 'scope' && (
        <Field label={t('history.at')} hint={t('history.zone', { zone })}>
          {({ required: _, ...control }) => (
            <input type="datetime-local" step="1" {...control} value={at} onInput={({ currentTarget }) => setAt(currentTarget.value)} />
          )}
        </Field>
      )}
      <Button type="submit">{t('history.show')}</Button>
    </form>
  );
}

type Form = ReturnType<typeof useFinder>;
type TopicFieldProps = Pick<Form, 'kind' | 'value' | 'write' | 'problem' | 'hasPatterns' | 'show'> & Pick<FinderProps, 'grants'>;

/** The person or the scope of the question. */
function TopicField({ kind, value, write, problem, hasPatterns, show, grants }: TopicFieldProps): JSX.Element {
  const { caller, permits } = useConsole();
  const [ids, scopes] = useMemo(
    () => [new Set(grants.map(({ subject }) => subject)), new Set(grants.map(({ scope }) => scope))].map((all) => [...all]),
    [grants],
  );
  if (kind === 'person')
    return (
      <Field label={t('history.person')}>
        {({ required: _, ...control }) => (
          <PersonInput
            {...control}
            maySearch={permits('listGrants')}
            ids={ids}
            placeholder={caller}
            value={value}
            onValue={write}
            onDone={show}
          />
        )}
      </Field>
    );
  return (
    <Field label={t('history.scope')} hint={t(hasPatterns ? 'history.scopeHint' : 'history.exactHint')} problem={problem && t(problem)}>
      {({ required: _, ...control }) => <ScopeInput {...control} isQuestion scopes={scopes} value={value} onValue={write} onDone={show} />}
    </Field>
  );
}
