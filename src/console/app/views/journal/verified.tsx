import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { Anchor } from '../../../../index.js';
import { now } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { t } from '../../frame/messages.js';
import { Button } from '../../parts/button.js';
import { Problem } from '../../parts/problem.js';
import { Text } from '../../parts/text.js';
import { Time } from '../../parts/time.js';
import { lastVerification, verifyAll, type Verification } from './verification.js';

/** The verification that runs, or has stopped: how many entries were verified. */
interface Run {
  readonly count: number;
  readonly isRunning: boolean;
}

/** The last verification of this page, and the button for the next one. */
export function Verified({ head }: { readonly head: Anchor | undefined }): JSX.Element {
  const { client, caller, permits, readOnly } = useConsole();
  const [run, setRun] = useState<Run>();
  const [error, setError] = useState<unknown>();
  const end = useRef<AbortController>();
  useEffect(() => () => end.current?.abort(), []);
  const last = lastVerification.value?.caller === caller ? lastVerification.value.done : undefined;
  const verify = async () => {
    const { signal } = (end.current = new AbortController());
    let count = 0;
    setError(undefined);
    setRun({ count, isRunning: true });
    try {
      const result = await verifyAll(client, (so) => setRun({ count: (count = so), isRunning: true }), signal);
      lastVerification.value = { caller, done: { at: now(), result } };
      setRun(undefined);
    } catch (failure) {
      if (!signal.aborted) setError(failure);
      setRun(signal.aborted ? { count, isRunning: false } : undefined);
    }
  };
  return (
    <section class="panel">
      <h2>{t('journal.verification')}</h2>
      <div role="status">
        {run !== undefined ? (
          <p>{t(run.isRunning ? 'journal.verifying' : 'journal.verifyStopped', { count: run.count })}</p>
        ) : last === undefined ? (
          <p class="quiet">{t('journal.notVerified')}</p>
        ) : (
          <Verdict {...{ last, head }} />
        )}
      </div>
      {error !== undefined && <Problem error={error} />}
      {permits('verifyJournal') && !readOnly && (
        <p class="actions">
          <Button kind="yes" onPress={verify}>
            {t('journal.verify')}
          </Button>
          {run?.isRunning === true && (
            <Button
              onPress={({ currentTarget }) => {
                end.current?.abort();
                // This button disappears, and the focus with it.
                ((currentTarget as Element).parentElement?.firstElementChild as HTMLElement | null)?.focus();
              }}
            >
              {t('journal.stop')}
            </Button>
          )}
        </p>
      )}
    </section>
  );
}

function Verdict({ last: { at, result }, head }: { readonly last: Verification; readonly head: Anchor | undefined }): JSX.Element {
  const since = result.ok && head !== undefined ? head.seq - result.head.seq : 0;
  return (
    <>
      <p class={result.ok ? 'verdict yes' : 'verdict no'}>
        <span aria-hidden="true">{result.ok ? '✓ ' : '✗ '}</span>
        {result.ok
          ? t('journal.valid', { count: result.count, seq: result.head.seq })
          : t('journal.invalid', { seq: result.seq, problem: result.problem })}
      </p>
      <p class="quiet">
        <Text k="journal.verifiedAt" with={{ time: <Time at={at} /> }} />
        {since > 0 && ` · ${t('journal.since', { count: since })}`}
      </p>
    </>
  );
}
