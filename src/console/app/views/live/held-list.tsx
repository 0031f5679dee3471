import { createContext, type JSX } from 'preact';
import { useContext, useState } from 'preact/hooks';
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
import { splitAt } from '../history/blocks.js';
import { ReadMore, Rows } from '../history/rows.js';
import { RevokeDialog } from './dialogs.js';
import type { HeldNow } from './held.js';
import { LeftAxis, LeftBar } from './left-bar.js';
import { LATER, SOON } from './time-left.js';

const HOUR = 3_600_000;

/** What a row may do. `undefined`: it shows no action. */
const Revoke = createContext<((grant: GrantWithStatus) => void) | undefined>(undefined);

function HeldRow({ item: grant }: { readonly item: GrantWithStatus }): JSX.Element {
  const { href, people } = useConsole();
  const revoke = useContext(Revoke);
  const name = people.value.get(grant.subject)?.name ?? grant.subject;
  return (
    <div role="listitem" class="held-row" tabIndex={-1}>
      <Person id={grant.subject} />
      <a class="held-scope" href={href('request', grant.requestId)} title={t('live.request')}>
        <Scope scope={grant.scope} />
        {grant.breakGlass && <span class="chip no">{t('live.breakGlass')}</span>}
      </a>
      <LeftBar endsAt={grant.expiresAt} />
      <span class="held-left">
        <Countdown until={grant.expiresAt} />
        <span class="quiet">
          <Time at={grant.expiresAt} />
        </span>
      </span>
      {revoke && (
        <Button small kind="no" label={t('live.revokeOf', { scope: grant.scope, person: name })} onPress={() => revoke(grant)}>
          {t('live.revoke')}
        </Button>
      )}
    </div>
  );
}

const keyOf = ({ id }: GrantWithStatus): string => id;

/** All grants held now: those that end within the hour, and the others, on one axis. */
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
  // The border between the two parts moves each minute.
  const edge = minute.value + HOUR;
  const [soon, later] = splitAt(held.blocks, ({ expiresAt }) => expiresAt > edge);
  const count = (blocks: typeof soon) => blocks.reduce((sum, { items }) => sum + items.length, 0);
  if (held.blocks.length === 0) {
    if (held.error !== undefined) return <Problem error={held.error} again={held.again} />;
    if (held.isLoading) return <p class="quiet">{t('frame.starting')}</p>;
    if (person !== undefined) return <Empty text={<Text k="live.noneOfId" with={{ id: <code dir="auto">{person}</code> }} />} />;
    return <Empty text={t(isFiltered ? 'live.noneFiltered' : 'live.none')} />;
  }
  return (
    <Revoke.Provider value={canRevoke ? setRevoked : undefined}>
      <div class={canRevoke ? 'held-lists can-revoke' : 'held-lists'}>
        <NewLine count={held.news} onShow={held.again} />
        {soon.length > 0 && (
          <Section title={t('live.soon')} count={count(soon)}>
            <LeftAxis axis={SOON} />
            <Rows label={t('live.soon')} blocks={soon} row={HeldRow} keyOf={keyOf} />
          </Section>
        )}
        {later.length > 0 && (
          <Section title={t('live.later')} count={held.hasMore ? undefined : count(later)}>
            <LeftAxis axis={LATER} />
            <Rows label={t('live.later')} blocks={later} row={HeldRow} keyOf={keyOf} />
          </Section>
        )}
        {held.error !== undefined && <Problem error={held.error} again={held.more} />}
        {held.hasMore && held.error === undefined && <ReadMore key={held.blocks.length} more={held.more} />}
      </div>
      {revoked && <RevokeDialog grant={revoked} onClose={() => setRevoked(undefined)} onEnded={held.drop} />}
    </Revoke.Provider>
  );
}
