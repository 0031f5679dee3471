import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { toCsv } from '../../../../internal/page.js';
import { after } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Problem } from '../../parts/problem.js';
import { grantRows } from './grant-rows.js';
import type { AnyPage } from './use-pages.js';

/** Offers a text as a file. The policy of the page permits a Blob, and sends nothing anywhere. */
function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the content as soon as the download begins.
  after(10_000, () => {
    URL.revokeObjectURL(url);
  });
}

export interface CsvButtonProps {
  readonly name: string;
  readonly read: (after: string | undefined, signal: AbortSignal) => PromiseLike<AnyPage<GrantWithStatus>>;
}

/** Reads all pages, and offers them as a file. */
export function CsvButton({ name, read }: CsvButtonProps): JSX.Element {
  const { people, learn, announce } = useConsole();
  const [error, setError] = useState<unknown>();
  const save = async () => {
    setError(undefined);
    const { signal } = new AbortController();
    const grants: GrantWithStatus[] = [];
    try {
      let place: string | undefined;
      do {
        const page: AnyPage<GrantWithStatus> = await read(place, signal);
        learn(page.people);
        grants.push(...page.items);
        place = page.next;
      } while (place !== undefined);
      download(name, toCsv(grantRows(grants, people.peek())));
      announce(t('history.csvReading', { count: grants.length }));
    } catch (failure) {
      setError(failure);
    }
  };
  return (
    <>
      <Button small onPress={save}>
        {t('history.csv')}
      </Button>
      {error !== undefined && <Problem error={error} />}
    </>
  );
}
