import { createContext, type JSX } from 'preact';
import { useContext } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { second } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { useNow } from '../../frame/use-now.js';
import { Button } from '../../parts/button.js';
import { Person } from '../../parts/person.js';
import { Scope } from '../../parts/scope.js';
import type { StillRow } from '../../parts/still.js';
import { Text } from '../../parts/text.js';
import { Countdown, Time } from '../../parts/time.js';
import { WindowBar } from '../../parts/window-bar.js';
import { placeOf, type Axis } from './axis.js';
import type { Choice } from './choice.js';

/** Access that ends within this time is marked. Milliseconds. */
const SOON_MS = 600_000;

/** What all rows share. */
export const Shared = createContext<{
  readonly axis: Axis;
  readonly choice: Choice;
  /** `undefined`: the viewer may not revoke. */
  readonly revoke: ((grant: GrantWithStatus) => void) | undefined;
} | null>(null);

function Left({
  grant: { status, startsAt, expiresAt },
  isGone,
}: {
  readonly grant: GrantWithStatus;
  readonly isGone: boolean;
}): JSX.Element {
  if (isGone) return <span class="chip">{t('live.ended')}</span>;
  if (status === 'scheduled') return <Text k="live.beginsAt" with={{ time: <Time at={startsAt} /> }} />;
  return (
    <>
      <Countdown until={expiresAt} />
      <span class="quiet">
        <Time at={expiresAt} />
      </span>
    </>
  );
}

/** A grant: who holds what, its window on the axis, and what ends it. */
export function HeldRow({ item: { item: grant, isGone } }: { readonly item: StillRow<GrantWithStatus> }): JSX.Element | null {
  const { href, people } = useConsole();
  const shared = useContext(Shared);
  const { id, subject, scope, startsAt, expiresAt, status } = grant;
  const isSoon = useNow(grant, () => [expiresAt - SOON_MS]) >= expiresAt - SOON_MS && status === 'active';
  if (shared === null) return null;
  const { axis, choice, revoke } = shared;
  const values = { scope, person: people.value.get(subject)?.name ?? subject };
  return (
    <div role="listitem" class={isGone ? 'held-row over' : isSoon ? 'held-row soon' : 'held-row'} tabIndex={-1}>
      {revoke && !isGone && (
        <input
          type="checkbox"
          aria-label={t('live.choose', values)}
          checked={choice.has(id)}
          onChange={({ currentTarget }) => choice.choose([grant], currentTarget.checked)}
        />
      )}
      <Person id={subject} short />
      <a class="held-scope" href={href('request', grant.requestId)} title={t('live.request')}>
        <Scope scope={scope} />
        {grant.breakGlass && <span class="chip no">{t('live.breakGlass')}</span>}
      </a>
      <span class="held-bar">
        <WindowBar startsAt={startsAt} endsAt={expiresAt} place={(instant) => placeOf(axis, instant - second.value)} />
      </span>
      <span class="held-left">
        <Left {...{ grant, isGone }} />
      </span>
      {revoke && !isGone && (
        <Button small kind="no" label={t('live.revokeOf', values)} onPress={() => revoke(grant)}>
          {t('live.revoke')}
        </Button>
      )}
    </div>
  );
}
