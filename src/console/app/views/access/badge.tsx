import type { JSX } from 'preact';
import { t } from '../../frame/messages.js';
import { Countdown, Time } from '../../parts/time.js';
import { Scopes } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import type { MineNow, Status } from './read.js';

/** What the viewer holds, in one look. */
export function Badge({ status, held }: { readonly status: Status } & Pick<MineNow, 'held'>): JSX.Element {
  const { standing, locks, windows } = status;
  const [lock] = locks;
  const ids = new Set(held.map(({ id }) => id));
  const ends = windows.filter(({ grantId }) => ids.has(grantId)).map(({ endsAt }) => endsAt);
  const state = lock ? 'locked' : held.length > 0 ? 'held' : 'none';
  return (
    <section class={`badge ${state}`} aria-label={t('access.title')}>
      <p class="badge-state">
        <span aria-hidden="true">[ )</span>
        {held.length > 0 ? t('access.held', { count: held.length }) : t('access.noneText')}
      </p>
      {lock ? (
        <p>{lock.until === undefined ? t('access.locked') : <Text k="access.lockedUntil" with={{ time: <Time at={lock.until} /> }} />}</p>
      ) : (
        held.length > 0 && (
          <p>
            <Text k="access.nextEnd" with={{ time: <Countdown until={Math.min(...ends)} /> }} />
          </p>
        )
      )}
      {standing.length > 0 && (
        <p class="badge-standing">
          {t('access.standing')} <Scopes scopes={standing} />
        </p>
      )}
    </section>
  );
}
