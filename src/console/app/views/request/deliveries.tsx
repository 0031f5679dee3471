import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { RequestFound } from '../../../../index.js';
import { useConsole } from '../../frame/console.js';
import { addMessages, t, type MessageKey } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Problem } from '../../parts/problem.js';
import { Scope } from '../../parts/scope.js';
import { Moment } from './timeline-list.js';
import type { Tone } from './timeline.js';
import { deliveries } from './deliveries.messages.js';
import { deliveriesOf } from './find-deliveries.js';

addMessages(deliveries);

type Found = Awaited<ReturnType<typeof deliveriesOf>>;

const TONES: Readonly<Record<string, Tone>> = { 'provisioning.done': 'yes', 'provisioning.stuck': 'no', 'provisioning.failed': 'wait' };

/** The deliveries to external systems, which only the journal has. They are read when the viewer asks for them. */
export function Deliveries({ found }: { readonly found: RequestFound }): JSX.Element | null {
  const { client } = useConsole();
  const [read, setRead] = useState<{ readonly value?: Found; readonly error?: unknown }>({});
  const { value, error } = read;
  if (found.grants.length === 0) return null;
  const load = () =>
    deliveriesOf(client, found).then(
      (answer) => setRead({ value: answer }),
      (failure: unknown) => setRead({ error: failure }),
    );
  return (
    <div class="request-deliveries">
      {value === undefined && (
        <Button small onPress={load}>
          {t('request.deliveries.show')}
        </Button>
      )}
      {error !== undefined && <Problem error={error} />}
      {value?.entries.length === 0 && <p class="quiet">{t('request.deliveries.none')}</p>}
      {value !== undefined && value.entries.length > 0 && (
        <>
          <h3>{t('request.deliveries')}</h3>
          <ol class="timeline">
            {value.entries.map(({ seq, type, at, data }) => (
              <Moment key={seq} at={at} tone={TONES[type] ?? 'plain'}>
                {t(`request.delivery.${type}` as MessageKey)} <bdi>{String(data['name'] as string)}</bdi>:{' '}
                <Scope scope={String(data['scope'] as string)} />{' '}
                {t(data['held'] === true ? 'request.delivery.held' : 'request.delivery.ended')}
              </Moment>
            ))}
          </ol>
        </>
      )}
      {value?.isWhole === false && <p class="quiet">{t('request.deliveries.more')}</p>}
    </div>
  );
}
