import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { GrantWithStatus } from '../../../../index.js';
import { after, now } from '../../frame/clock.js';
import { useConsole, type Console } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Problem, statusOf } from '../../parts/problem.js';
import { isRepeatedPress } from '../../parts/quiet.js';
import { allPages, MOST_GRANTS, type PageReader } from './all-pages.js';
import { grantCsv, type Asked } from './grant-rows.js';

/** Offers parts of a text as a file. The policy of the page permits a Blob, and sends nothing anywhere. */
function download(name: string, parts: string[]): void {
  const url = URL.createObjectURL(new Blob(parts, { type: 'text/csv;charset=utf-8' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  // The browser has taken the content as soon as the download begins.
  after(10_000, () => {
    URL.revokeObjectURL(url);
  });
}

/** The place of the newest entry of the journal. Empty for a caller without the right to it. */
async function headOf({ client, permits }: Pick<Console, 'client' | 'permits'>, signal: AbortSignal): Promise<string> {
  if (!permits('journalHead')) return '';
  try {
    const { seq, hash } = await client.journalHead({ signal });
    return `${seq}.${hash}`;
  } catch (error) {
    if (statusOf(error) === 403) return '';
    throw error;
  }
}

export interface CsvButtonProps {
  readonly label: string;
  readonly name: string;
  /** The question that the file answers, in words. */
  readonly question: string;
  readonly read: PageReader<GrantWithStatus>;
}

/** Reads all pages, and offers them as a file: all of them, or no file. */
export function CsvButton({ label, name, question, read }: CsvButtonProps): JSX.Element {
  const page = useConsole();
  const { people, announce } = page;
  const [count, setCount] = useState<number>();
  const [error, setError] = useState<unknown>();
  const [isFull, setFull] = useState(false);
  const end = useRef<AbortController>();
  useEffect(() => () => end.current?.abort(), []);

  const save = async () => {
    const own = (end.current = new AbortController());
    const { signal } = own;
    setError(undefined);
    setFull(false);
    setCount(0);
    try {
      const readAt = new Date(Math.floor(now())).toISOString();
      const asked: Asked = { question, readAt, journalHead: await headOf(page, signal) };
      const parts: string[] = [];
      let grants = 0;
      let isWhole = false;
      for await (const { items, next, people: named } of allPages(read, signal)) {
        grants += items.length;
        isWhole = next === undefined;
        const isLast = isWhole && grants === 0;
        parts.push(grantCsv(items, (id) => (named?.[id] ?? people.peek().get(id))?.name, asked, { isFirst: parts.length === 0, isLast }));
        setCount(grants);
      }
      if (signal.aborted) return;
      setFull(!isWhole);
      if (!isWhole) return;
      download(name, parts);
      announce(t('history.csvReading', { count: grants }));
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    } finally {
      if (end.current === own) setCount(undefined);
    }
  };
  const press = () => {
    // The second press of a double click must not stop what the first one began.
    if (isRepeatedPress()) return;
    if (count === undefined) void save();
    else {
      end.current?.abort();
      setCount(undefined);
    }
  };
  return (
    <>
      <Button small onPress={press}>
        {count === undefined ? label : t('history.stop')}
      </Button>
      <span class="quiet screen-only">{count !== undefined && t('history.csvReading', { count })}</span>
      {isFull && <p class="problem">{t('history.csvFull', { count: MOST_GRANTS })}</p>}
      {error !== undefined && <Problem error={error} />}
    </>
  );
}
