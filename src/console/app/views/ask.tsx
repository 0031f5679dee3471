import type { JSX } from 'preact';
import type { Requestable } from '../../../explain.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useRead } from '../frame/use-read.js';
import { Empty } from '../parts/empty.js';
import { Page } from '../parts/page.js';
import { Problem, statusOf } from '../parts/problem.js';
import { Scope } from '../parts/scope.js';
import { askable, choiceOf, itemOf } from './ask/choices.js';
import { Chooser } from './ask/chooser.js';
import { addressed, type Addressed } from './ask/draft.js';
import { AskForm } from './ask/form.js';
import { EmergencyOffer } from './emergency/offer.js';
import './ask.css';
import { ask } from './ask.messages.js';

addMessages(ask);

/** The page to ask for access. Its address names the scope, so that the refusal of a guard leads to the form. */
export function View({ route }: ViewProps): JSX.Element {
  const { client, readOnly } = useConsole();
  // A list is what rules and locks say: no event about a request changes it.
  const list = useRead(
    (signal) => client.requestable({ signal, people: true }),
    [],
    ({ type }) => type.startsWith('lock.'),
  );
  const given = addressed(route.query);
  const items = list.value && askable(list.value.items);
  return (
    <Page title={t('ask.title')} lead={given.scope === undefined && !readOnly ? t('ask.lead') : undefined}>
      {readOnly ? (
        <Empty text={t('ask.readOnly')} />
      ) : items === undefined ? (
        <Loading error={list.error} again={list.again} />
      ) : given.scope === undefined ? (
        <Chooser items={items} isComplete={list.value?.complete === true} />
      ) : (
        <Chosen key={given.scope} all={list.value?.items ?? []} items={items} scope={given.scope} given={given} />
      )}
    </Page>
  );
}

function Loading({ error, again }: { readonly error: unknown; readonly again: () => void }): JSX.Element {
  if (error !== undefined) return <Problem error={error} again={again} />;
  return (
    <p class="quiet loading" role="status">
      {t('ask.loading')}
    </p>
  );
}

interface ChosenProps {
  /** With those of emergencies. */
  readonly all: readonly Requestable[];
  readonly items: ReturnType<typeof askable>;
  readonly scope: string;
  readonly given: Addressed;
}

function Chosen({ all, items, scope, given }: ChosenProps): JSX.Element {
  const item = itemOf(items, scope);
  return (
    <>
      <p class="ask-back">
        <a href={useConsole().href('ask')}>{t('ask.back')}</a>
        {item?.outcome !== 'approve' && <EmergencyOffer items={all} scopes={[scope]} />}
      </p>
      {item === undefined ? <Unlisted scope={scope} given={given} /> : <AskForm choice={item} given={given} />}
    </>
  );
}

/** A scope that the list does not have: the API says whether it can be asked for. */
function Unlisted({ scope, given }: { readonly scope: string; readonly given: Addressed }): JSX.Element {
  const { client } = useConsole();
  const { value, error, again } = useRead(
    (signal) => client.canAsk(scope, { signal }),
    [scope],
    ({ type }) => type.startsWith('lock.'),
  );
  if (error !== undefined && statusOf(error) === 400) return <Empty text={t('ask.can.malformed')} />;
  if (value === undefined) return <Loading {...{ error, again }} />;
  if (value.canAsk) return <AskForm choice={choiceOf(value)} given={given} />;
  const { outcome, reason } = value;
  return (
    <div class="problem" role="status">
      <p>
        <Scope scope={scope} />
      </p>
      <p>
        <strong>{t(`ask.can.${outcome as 'denied' | 'ineligible' | 'locked'}`)}</strong>
      </p>
      {reason !== undefined && (
        <p>
          <bdi>{reason}</bdi>
        </p>
      )}
    </div>
  );
}
