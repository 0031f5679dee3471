import type { JSX } from 'preact';
import { minute } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { addMessages, t } from '../../frame/messages.js';
import { fullTime } from '../../frame/time.js';
import { useRead } from '../../frame/use-read.js';
import type { Anchor } from '../../../../index.js';
import { printFoot } from './print-foot.messages.js';

addMessages(printFoot);

/** On paper only: when it was printed, and the head of the journal, by which a reader can check that nothing was removed since. */
export function PrintFoot(): JSX.Element {
  const { client, permits } = useConsole();
  const { value: head } = useRead<Anchor | undefined>(
    (signal) => (permits('journalHead') ? client.journalHead({ signal }) : Promise.resolve(undefined)),
    [],
    () => false,
  );
  return (
    <footer class="print-foot">
      <p>{t('history.printed', { time: fullTime(minute.value), zone: Intl.DateTimeFormat().resolvedOptions().timeZone })}</p>
      {head && <p>{t('history.head', { seq: String(head.seq), hash: head.hash })}</p>}
    </footer>
  );
}
