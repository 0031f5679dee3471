import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LockWithStatus } from '../../../../index.js';
import { t } from '../../frame/messages.js';
import { useQuery } from '../../frame/use-query.js';
import { Button } from '../../parts/button.js';
import { List, Row } from '../../parts/list.js';
import { Section } from '../../parts/page.js';
import { Name, Person } from '../../parts/person.js';
import { Problem } from '../../parts/problem.js';
import { Scope } from '../../parts/scope.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import { UnlockDialog } from './dialogs.js';
import { locksQuery } from './read.js';

/** The standing locks. None: nothing is shown. */
export function Locks({ canUnlock }: { readonly canUnlock: boolean }): JSX.Element | null {
  const { value: locks = [], error, again } = useQuery(locksQuery);
  const [lifted, setLifted] = useState<LockWithStatus>();
  if (error !== undefined) return <Problem error={error} again={again} />;
  if (locks.length === 0) return null;
  return (
    <Section title={t('live.locks')} count={locks.length}>
      <List label={t('live.locks')}>
        {locks.map((lock) => (
          <Row key={lock.id}>
            <div class="lock-row">
              <span class="chip no">{t('live.lockedChip')}</span>
              {lock.subject === undefined ? <Scope scope={lock.scope ?? ''} /> : <Person id={lock.subject} />}
              <span class="quiet">
                <Text k="live.lockedBy" with={{ person: <Name id={lock.by} />, time: <Time at={lock.at} /> }} />
                {' · '}
                {lock.until === undefined ? t('live.lockForever') : <Text k="live.lockUntil" with={{ time: <Time at={lock.until} /> }} />}
                {lock.completedAt === undefined && ` · ${t('live.unfinished')}`}
              </span>
              {canUnlock && (
                <Button small label={t('live.unlockOf', { target: lock.subject ?? lock.scope ?? '' })} onPress={() => setLifted(lock)}>
                  {t('live.unlock')}
                </Button>
              )}
            </div>
          </Row>
        ))}
      </List>
      {lifted && <UnlockDialog lock={lifted} others={locks.length - 1} onClose={() => setLifted(undefined)} onLifted={again} />}
    </Section>
  );
}
