import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { minute } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { duration } from '../../frame/time.js';
import { Empty } from '../../parts/empty.js';
import { NewLine } from '../../parts/list.js';
import { Section } from '../../parts/page.js';
import { Person } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scope } from '../../parts/scope.js';
import type { StillRow } from '../../parts/still.js';
import { Switch } from '../../parts/switch.js';
import { Text } from '../../parts/text.js';
import { blocksOf } from '../history/blocks.js';
import { ReadMore, Rows } from '../history/rows.js';
import { axisFor, placeOf, type Axis } from './axis.js';
import { ChosenBar, RevokeChosen } from './chosen.js';
import { RevokeDialog } from './dialogs.js';
import { GROUPINGS, groupsOf, type Grouping } from './groups.js';
import { MOST, type HeldNow } from './held.js';
import { HeldRow, Shared } from './row.js';

/** The marks of the axis, above all rows, and the box that chooses them. */
function Head({ axis, held, canRevoke }: { readonly axis: Axis; readonly held: HeldNow; readonly canRevoke: boolean }): JSX.Element {
  const shown = held.rows.filter(({ isGone }) => !isGone).map(({ item }) => item);
  const { choice } = held;
  return (
    <div class="held-row held-head">
      {canRevoke && (
        <label class="check">
          <input
            type="checkbox"
            checked={shown.length > 0 && shown.every(({ id }) => choice.has(id))}
            onChange={({ currentTarget }) => choice.choose(shown, currentTarget.checked)}
          />
          {t('live.chooseAll')}
        </label>
      )}
      <span class="marks" aria-hidden="true">
        {axis.map((mark) => (
          <span key={mark} style={{ insetInlineStart: `${(100 * placeOf(axis, mark)).toFixed(2)}%` }}>
            {mark === 0 ? t('live.now') : mark < 0 ? t('live.ago', { time: duration(-mark) }) : duration(mark)}
          </span>
        ))}
      </span>
    </div>
  );
}

/** By what the list is grouped: a part of the address. */
function GroupSwitch({ grouping }: { readonly grouping: Grouping }): JSX.Element {
  const { route, href, navigate } = useConsole();
  const choose = (group: Grouping) => {
    const query = { ...Object.fromEntries(route.value?.query ?? []), group: group === 'end' ? '' : group };
    navigate(href('live', undefined, query), { replace: true });
  };
  const choices = GROUPINGS.map((name) => [name, t(`live.group.${name}`)] as const);
  return <Switch label={t('live.group')} value={grouping} onValue={choose} {...{ choices }} />;
}

const keyOf = ({ key }: StillRow<GrantWithStatus>): string => key;

function Groups({ rows, grouping }: { readonly rows: HeldNow['rows']; readonly grouping: Grouping }): JSX.Element {
  const people = useConsole().people.value;
  const nameOf = (id: string) => people.get(id)?.name ?? id;
  const groups = useMemo(() => groupsOf(rows, grouping, nameOf), [rows, grouping, people]);
  return (
    <>
      {groups.map(({ key, rows: grouped }) => (
        <section key={`${grouping} ${key}`} class="section">
          {grouping !== 'end' && (
            <h3>
              {grouping === 'scope' ? <Scope scope={key} /> : <Person id={key} short />}{' '}
              <span class="count">{grouped.filter(({ isGone }) => !isGone).length}</span>
            </h3>
          )}
          <Rows label={grouping === 'end' ? t('live.rows') : nameOf(key)} blocks={blocksOf(grouped, 0)} row={HeldRow} keyOf={keyOf} />
        </section>
      ))}
    </>
  );
}

interface HeldListProps {
  readonly held: HeldNow;
  readonly grouping: Grouping;
  readonly canRevoke: boolean;
  readonly isFiltered: boolean;
  /** The id of the filter. */
  readonly person: string | undefined;
}

/** What a list without a row that is held says. It is never held back: what has ended may still be in its place. */
function Nothing({
  held: { rows, news, count },
  isFiltered,
  person,
}: Pick<HeldListProps, 'held' | 'isFiltered' | 'person'>): JSX.Element | null {
  if (count !== 0 || news > 0 || rows.some(({ item, isGone }) => !isGone && item.status !== 'scheduled')) return null;
  return (
    <Empty
      text={
        person === undefined ? (
          t(isFiltered ? 'live.noneFiltered' : 'live.none')
        ) : (
          <Text k="live.noneOfId" with={{ id: <code dir="auto">{person}</code> }} />
        )
      }
    />
  );
}

/** Whether the dialog about what is chosen is open. After it, its button may be gone: then the title has the focus. */
function useRevoking() {
  const state = useState(false);
  const [isOpen] = state;
  const wasOpen = useRef(false);
  useEffect(() => {
    if (wasOpen.current && document.activeElement === document.body) document.querySelector<HTMLElement>('main h1')?.focus();
    wasOpen.current = isOpen;
  }, [isOpen]);
  return state;
}

/** All grants that are held now or begin later, on one axis of time. */
export function HeldList({ held, grouping, canRevoke, isFiltered, person }: HeldListProps): JSX.Element {
  const [revoked, setRevoked] = useState<GrantWithStatus>();
  const { rows, news, show, around, count, hasMore, error, again, more, choice } = held;
  const [isRevoking, setRevoking] = useRevoking();
  const now = minute.value;
  const axis = useMemo(
    () =>
      axisFor(
        rows.map(({ item }) => item.expiresAt),
        now,
      ),
    [rows, now],
  );
  return (
    <Shared.Provider value={{ axis, choice, revoke: canRevoke ? setRevoked : undefined }}>
      {error !== undefined && <Problem error={error} again={again} />}
      {count === undefined && error === undefined && <p class="quiet">{t('frame.starting')}</p>}
      <Nothing {...{ held, isFiltered, person }} />
      <NewLine count={news} onShow={show} />
      {rows.length > 0 && (
        <Section title={t('live.rows')} aside={<GroupSwitch grouping={grouping} />}>
          <div class={canRevoke ? 'held-lists can-revoke' : 'held-lists'} style={{ '--steps': axis.length - 1 }} {...around}>
            <Head {...{ axis, held, canRevoke }} />
            <Groups {...{ rows, grouping }} />
            {more && <ReadMore key={rows.length} more={more} />}
            {hasMore && !more && <p class="quiet">{t('live.most', { count: MOST })}</p>}
            <ChosenBar choice={choice} onRevoke={() => setRevoking(true)} />
          </div>
        </Section>
      )}
      {revoked && <RevokeDialog grant={revoked} onClose={() => setRevoked(undefined)} onEnded={held.drop} />}
      {isRevoking && <RevokeChosen choice={choice} onClose={() => setRevoking(false)} onEnded={held.drop} />}
    </Shared.Provider>
  );
}
