import { createContext, type JSX } from 'preact';
import { useContext, useMemo, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { minute } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Empty } from '../../parts/empty.js';
import { Countdown, Time } from '../../parts/time.js';
import { NewLine } from '../../parts/list.js';
import { Section } from '../../parts/page.js';
import { Person } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import type { StillRow } from '../../parts/still.js';
import { blocksOf } from '../history/blocks.js';
import { ReadMore, Rows } from '../history/rows.js';
import { RevokeDialog } from './dialogs.js';
import { MOST, type HeldNow } from './held.js';
import { LeftAxis, LeftBar } from './left-bar.js';
import { LATER, SOON } from './time-left.js';

const HOUR = 3_600_000;

/** What a row may do. `undefined`: it shows no action. */
const Revoke = createContext<((grant: GrantWithStatus) => void) | undefined>(undefined);

function HeldRow({ item: { item: grant, isGone } }: { readonly item: StillRow<GrantWithStatus> }): JSX.Element {
  const { href, people } = useConsole();
  const revoke = useContext(Revoke);
  const name = people.value.get(grant.subject)?.name ?? grant.subject;
  const isLater = grant.status === 'scheduled';
  return (
    <div role="listitem" class={isGone ? 'held-row over' : 'held-row'} tabIndex={-1}>
      <Person id={grant.subject} />
      <a class="held-scope" href={href('request', grant.requestId)} title={t('live.request')}>
        <Scope scope={grant.scope} />
        {grant.breakGlass && <span class="chip no">{t('live.breakGlass')}</span>}
      </a>
      {isLater ? <span /> : <LeftBar endsAt={grant.expiresAt} />}
      <span class="held-left">
        {isGone ? (
          <span class="chip">{t('live.ended')}</span>
        ) : isLater ? (
          <Text k="live.beginsAt" with={{ time: <Time at={grant.startsAt} /> }} />
        ) : (
          <>
            <Countdown until={grant.expiresAt} />
            <span class="quiet">
              <Time at={grant.expiresAt} />
            </span>
          </>
        )}
      </span>
      {revoke && !isGone && (
        <Button small kind="no" label={t('live.revokeOf', { scope: grant.scope, person: name })} onPress={() => revoke(grant)}>
          {t('live.revoke')}
        </Button>
      )}
    </div>
  );
}

const keyOf = ({ key }: StillRow<GrantWithStatus>): string => key;

/** The parts of the list: what ends within the hour, what ends later, and what begins later. */
function partsOf(rows: readonly StillRow<GrantWithStatus>[], edge: number) {
  const parts = { soon: [], later: [], begins: [] } as Record<'soon' | 'later' | 'begins', StillRow<GrantWithStatus>[]>;
  for (const row of rows) {
    const { status, expiresAt } = row.item;
    parts[status === 'scheduled' ? 'begins' : expiresAt <= edge ? 'soon' : 'later'].push(row);
  }
  return parts;
}

const AXES = { soon: SOON, later: LATER, begins: undefined } as const;

/** All grants held now: those that end within the hour, the others, and those that begin later. */
export function HeldList({
  held,
  canRevoke,
  isFiltered,
  person,
}: {
  readonly held: HeldNow;
  readonly canRevoke: boolean;
  readonly isFiltered: boolean;
  /** The id of the filter. */
  readonly person: string | undefined;
}): JSX.Element {
  const [revoked, setRevoked] = useState<GrantWithStatus>();
  const { rows, news, show, around, count, hasMore, error, again, more } = held;
  // The border between the two parts moves each minute.
  const edge = minute.value + HOUR;
  const parts = useMemo(() => partsOf(rows, edge), [rows, edge]);
  return (
    <Revoke.Provider value={canRevoke ? setRevoked : undefined}>
      {error !== undefined && <Problem error={error} again={again} />}
      {count === undefined && error === undefined && <p class="quiet">{t('frame.starting')}</p>}
      {/* It is never held back: what has ended may still be in its place. */}
      {count === 0 && news === 0 && rows.every(({ item, isGone }) => isGone || item.status === 'scheduled') && (
        <Empty
          text={
            person === undefined ? (
              t(isFiltered ? 'live.noneFiltered' : 'live.none')
            ) : (
              <Text k="live.noneOfId" with={{ id: <code dir="auto">{person}</code> }} />
            )
          }
        />
      )}
      <NewLine count={news} onShow={show} />
      <div class={canRevoke ? 'held-lists can-revoke' : 'held-lists'} {...around}>
        {(['soon', 'later', 'begins'] as const).map((name) => {
          const part = parts[name];
          const axis = AXES[name];
          const left = part.filter(({ isGone }) => !isGone).length;
          if (part.length === 0) return null;
          return (
            <Section key={name} title={t(`live.${name}`)} count={name !== 'soon' && hasMore ? undefined : left}>
              {axis && <LeftAxis axis={axis} />}
              <Rows label={t(`live.${name}`)} blocks={blocksOf(part, 0)} row={HeldRow} keyOf={keyOf} />
            </Section>
          );
        })}
        {more && <ReadMore key={rows.length} more={more} />}
        {hasMore && !more && <p class="quiet">{t('live.most', { count: MOST })}</p>}
      </div>
      {revoked && <RevokeDialog grant={revoked} onClose={() => setRevoked(undefined)} onEnded={held.drop} />}
    </Revoke.Provider>
  );
}
