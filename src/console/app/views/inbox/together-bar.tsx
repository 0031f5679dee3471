import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { InboxItem } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { refusalText } from '../../parts/decision.js';
import { termsOf } from '../../parts/decision-terms.js';
import { useDecisions } from '../../parts/decisions.js';
import type { StillRows } from '../../parts/still.js';
import { now } from '../../frame/clock.js';
import { Section } from '../../parts/page.js';
import { Whole } from '../../parts/person.js';
import { isRepeatedPress } from '../../parts/quiet.js';
import { Scopes } from '../../parts/scope.js';
import { decisionOf } from '../../parts/use-decision.js';
import { aloneBy, MOST_CHOSEN, sorted, type Alone, type Chosen } from './together.js';
import type { InboxRead } from './read.js';

type Verdict = 'approve' | 'deny';

interface Given {
  readonly verdict: Verdict;
  readonly same: readonly InboxItem[];
  readonly changed: readonly InboxItem[];
}

/** What the viewer has chosen from the inbox, and what was decided about it. */
export interface Together {
  readonly chosen: Chosen;
  readonly isFull: boolean;
  readonly aloneBy: (item: InboxItem) => Alone | undefined;
  /** Whether a row may be chosen now. */
  readonly isOpen: (item: InboxItem) => boolean;
  readonly choose: (items: readonly InboxItem[], isChosen: boolean) => void;
  readonly decide: (verdict: Verdict) => void;
  readonly given: Given | undefined;
  readonly forget: () => void;
}

/** The choice of several requests. It is of the view alone: leaving the view forgets it, and nothing that was decided. */
export function useTogether(
  chosen: Chosen,
  setChosen: (chosen: Chosen) => void,
  rows: StillRows<InboxItem>['rows'],
  risks: InboxRead['risks'],
): Together {
  const { readOnly } = useConsole();
  const { queue, recorded } = useDecisions();
  const [given, setGiven] = useState<Given>();
  const shown = new Map(rows.flatMap(({ key, item, isGone }) => (isGone ? [] : [[key, item] as const])));
  const isOpen = ({ request }: InboxItem) =>
    !readOnly &&
    shown.has(request.id) &&
    request.reviewBy > now() &&
    queue.of(request.id) === undefined &&
    recorded.value.get(request.id)?.version !== request.version;
  const alone = (item: InboxItem) => aloneBy(item, risks);
  const mayChoose = (item: InboxItem) => isOpen(item) && alone(item) === undefined;
  return {
    chosen,
    isFull: chosen.size >= MOST_CHOSEN,
    aloneBy: alone,
    isOpen,
    choose(items, isChosen) {
      const next = new Map(chosen);
      for (const item of items) {
        if (!isChosen) next.delete(item.request.id);
        else if (next.size < MOST_CHOSEN && mayChoose(item)) next.set(item.request.id, item);
      }
      setChosen(next);
    },
    decide(verdict) {
      if (isRepeatedPress()) return;
      const { same, changed } = sorted(chosen, shown, mayChoose);
      for (const { request, narrowedTo } of same) queue.decide(decisionOf(request, verdict, termsOf(request, narrowedTo)));
      setGiven({ verdict, same, changed });
      setChosen(new Map());
    },
    given,
    forget: () => setGiven(undefined),
  };
}

interface ChoiceProps {
  readonly item: InboxItem;
  readonly together: Together;
}

/** The id of the text that says why a row is decided by itself. */
const whyOf = (requestId: string): string => `alone ${requestId}`.replaceAll(' ', '-');

/** The checkbox of a row. */
export function Choose({ item, together }: ChoiceProps): JSX.Element | null {
  const { people } = useConsole();
  const { id, subject, scopes } = item.request;
  const isChosen = together.chosen.has(id);
  if (!isChosen && !together.isOpen(item)) return null;
  const isAlone = together.aloneBy(item) !== undefined;
  const who = people.value.get(subject)?.name ?? subject;
  return (
    <input
      type="checkbox"
      class="inbox-choose"
      aria-label={t('inbox.choose', { who, what: scopes.join(', ') })}
      aria-describedby={isAlone ? whyOf(id) : undefined}
      checked={isChosen}
      disabled={!isChosen && (isAlone || together.isFull)}
      onChange={({ currentTarget }) => together.choose([item], currentTarget.checked)}
    />
  );
}

/** Why a row is decided by itself. */
export function Why({ item, together }: ChoiceProps): JSX.Element | null {
  const why = together.isOpen(item) ? together.aloneBy(item) : undefined;
  if (why === undefined) return null;
  return (
    <small id={whyOf(item.request.id)} class="quiet inbox-alone">
      {t(`inbox.alone.${why}`)}
    </small>
  );
}

/** How many requests are chosen, and what to do with them. */
export function ChosenBar({ together, rows }: { readonly together: Together; readonly rows: readonly InboxItem[] }): JSX.Element | null {
  const count = together.chosen.size;
  if (count === 0) return null;
  return (
    <p class="chosen-bar">
      <strong role="status">{t(together.isFull ? 'inbox.chosen.most' : 'inbox.chosen', { count })}</strong>
      <Button kind="yes" onPress={() => together.decide('approve')}>
        {t('inbox.chosen.approve', { count })}
      </Button>
      <Button kind="no" onPress={() => together.decide('deny')}>
        {t('inbox.chosen.deny', { count })}
      </Button>
      {!together.isFull && (
        <Button kind="quiet" onPress={() => together.choose(rows, true)}>
          {t('inbox.chosen.all')}
        </Button>
      )}
      <Button kind="quiet" onPress={() => together.choose([...together.chosen.values()], false)}>
        {t('inbox.chosen.none')}
      </Button>
    </p>
  );
}

/** What became of each decision that was given together. */
export function Outcome({ given, onClose }: { readonly given: Given; readonly onClose: () => void }): JSX.Element {
  const { queue, recorded } = useDecisions();
  const focus = useRef<HTMLDivElement>(null);
  const { verdict, same, changed } = given;
  const held = queue.held.value;
  const stateOf = ({ request: { id, version } }: InboxItem) => {
    const own = held.find(({ requestId }) => requestId === id);
    if (own?.state === 'refused') return `${t('decision.refused')} ${own.lasting ?? refusalText(own.refusal)}`;
    if (own !== undefined) return t(own.isLate === true ? 'decision.late' : `decision.${own.state}`);
    const given = recorded.value.get(id);
    return given?.version === version ? t(`decision.recorded.${given.verdict}`) : t('inbox.outcome.undone');
  };
  const isWaiting = same.some(({ request: { id } }) => held.some((one) => one.requestId === id && one.state === 'waiting'));
  return (
    <Section title={t(`inbox.outcome.${verdict}`, { count: same.length })}>
      <div ref={focus} tabIndex={-1} class="inbox-outcome">
        <Requests items={same} stateOf={stateOf} />
        {changed.length > 0 && (
          <>
            <p>{t('inbox.outcome.changed')}</p>
            <Requests items={changed} />
          </>
        )}
        <p class="actions">
          {isWaiting ? (
            <Button
              onPress={() => {
                for (const { request } of same) queue.undo(request.id);
                focus.current?.focus();
              }}
            >
              {t('inbox.outcome.undo')}
            </Button>
          ) : (
            <Button onPress={onClose}>{t('part.close')}</Button>
          )}
        </p>
      </div>
    </Section>
  );
}

interface RequestsProps {
  readonly items: readonly InboxItem[];
  readonly stateOf?: (item: InboxItem) => string;
}

function Requests({ items, stateOf }: RequestsProps): JSX.Element {
  const people = useConsole().people.value;
  return (
    <ul class="chosen-list">
      {items.map((item) => (
        <li key={item.request.id}>
          <Whole id={item.request.subject} info={people.get(item.request.subject)} />
          <Scopes scopes={item.request.scopes} />
          {stateOf && <strong>{stateOf(item)}</strong>}
        </li>
      ))}
    </ul>
  );
}
