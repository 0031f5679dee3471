import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { EngineStats } from '../../../explain.js';
import { useConsole } from '../frame/console.js';
import { addMessages, t, type MessageKey } from '../frame/messages.js';
import type { ViewProps } from '../frame/types.js';
import { useQuery } from '../frame/use-query.js';
import { Button } from '../parts/button.js';
import { FilterBar } from '../parts/filter-bar.js';
import { Page } from '../parts/page.js';
import { live } from './live.messages.js';
import { RevokeAllDialog } from './live/dialogs.js';
import { filtersIn, targetOf, type Filters } from './live/filters.js';
import { useHeld, type HeldNow } from './live/held.js';
import { groupingIn, type Grouping } from './live/groups.js';
import { HeldList } from './live/held-list.js';
import { LockDialog } from './live/lock-dialog.js';
import { Locks } from './live/locks.js';
import { statsQuery } from './live/read.js';
import './live.css';

addMessages(live);

/** Numbers of the service: what waits, and what is overdue. */
function Figures({ held, unknown }: { readonly held: HeldNow; readonly unknown: string | undefined }): JSX.Element {
  const { permits, href } = useConsole();
  const { value } = useQuery(statsQuery(permits('viewStats')));
  const { count, hasMore } = held;
  const of = ({ value: number, atLeast }: EngineStats['overdueEnds']) => `${number}${atLeast ? '+' : ''}`;
  const figures: readonly (readonly [MessageKey, string, string?])[] = [
    ['live.held', unknown !== undefined ? '–' : count === undefined ? '…' : `${count}${hasMore ? '+' : ''}`],
    ...(value === undefined
      ? []
      : ([
          ['live.pending', of(value.pendingRequests), href('inbox')],
          ['live.reviews', of(value.breakGlassReviews), href('break-glass')],
          ['live.overdue', of(value.overdueEnds)],
        ] as const)),
  ];
  return (
    <dl class="figures">
      {figures.map(([key, text, link]) => (
        <div key={key}>
          <dt>{t(key)}</dt>
          <dd>{link === undefined ? text : <a href={link}>{text}</a>}</dd>
        </div>
      ))}
    </dl>
  );
}

function Held({ filters, grouping }: { readonly filters: Filters; readonly grouping: Grouping }): JSX.Element {
  const { permits, readOnly, people } = useConsole();
  const held = useHeld(filters);
  const known = useMemo(() => {
    const grants = held.rows.map(({ item }) => item);
    return { ids: grants.map(({ subject }) => subject), scopes: grants.map(({ scope }) => scope) };
  }, [held.rows]);
  const { person } = filters;
  // Of an id that nothing on the page knows, the number 0 would say more than is true.
  const unknown = person !== undefined && held.count === 0 && !people.value.has(person) ? person : undefined;
  const [form, setForm] = useState<'revokeAll' | 'lock'>();
  const isFiltered = Object.values(filters).some((value) => value !== undefined);
  // A right for one target is no right without a target, which is what the menu knows. The dry run says whether it suffices.
  const offers = (action: string) => !readOnly && (permits(action) || (isFiltered && !permits('listGrants') && held.rows.length > 0));
  const close = () => setForm(undefined);
  return (
    <>
      <div class="live-head">
        <Figures {...{ held, unknown }} />
        {(offers('revokeAll') || offers('lock')) && (
          <p class="actions">
            {offers('revokeAll') && (
              <Button kind="no" onPress={() => setForm('revokeAll')}>
                {t('live.revokeAll')}
              </Button>
            )}
            {offers('lock') && (
              <Button kind="no" onPress={() => setForm('lock')}>
                {t('live.lock')}
              </Button>
            )}
          </p>
        )}
      </div>
      <FilterBar
        filters={[
          { name: 'person', label: t('live.person'), person: { maySearch: permits('listGrants'), ids: known.ids } },
          { name: 'scope', label: t('live.scope'), scopes: known.scopes },
          { name: 'ticket', label: t('live.ticket') },
        ]}
      />
      {permits('listLocks') && <Locks canUnlock={offers('unlock')} />}
      <HeldList {...{ held, grouping, isFiltered, person }} canRevoke={offers('revoke')} />
      {form === 'revokeAll' && <RevokeAllDialog target={targetOf(filters)} known={known} onClose={close} onEnded={held.drop} />}
      {form === 'lock' && <LockDialog target={targetOf(filters, ['person', 'scope'])} known={known} onClose={close} onEnded={held.drop} />}
    </>
  );
}

/** All access that is held now, and what ends it. */
export function View({ route: { query } }: ViewProps): JSX.Element {
  const filters = filtersIn(query);
  return (
    <Page title={t('live.title')} lead={t('live.lead')}>
      <Held key={JSON.stringify(filters)} filters={filters} grouping={groupingIn(query)} />
    </Page>
  );
}
