import { useEffect, useRef, useState } from 'preact/hooks';
import type { AccessReport } from '../../../../journal.js';
import { after } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { mayPass, RETRY_MS } from '../../frame/read-model.js';
import type { Span } from '../history/span.js';

/** A read that takes longer than this can be stopped. Milliseconds. */
const LONG_MS = 1_000;

interface State {
  readonly value?: AccessReport;
  readonly error?: unknown;
  readonly isLong?: boolean;
  readonly isStopped?: boolean;
}

export interface ReportRead extends State {
  readonly again: () => void;
  readonly stop: () => void;
}

/**
 * The report of a span. It replays the journal, which may take long: no time limit ends it, but the viewer can stop it. It is read when it
 * is asked for, not after each change, and again after a failure that may pass.
 */
export function useReport({ from, to }: Span, recordsUse: boolean): ReportRead {
  const { client, learn } = useConsole();
  const [round, setRound] = useState(0);
  const [state, setState] = useState<State>({});
  const stop = useRef<() => void>(() => undefined);
  const again = () => setRound((count) => count + 1);
  useEffect(() => {
    const end = new AbortController();
    setState({});
    let cancel = after(LONG_MS, () => setState({ isLong: true }));
    const finish = (next: State) => {
      if (end.signal.aborted) return;
      cancel();
      setState(next);
    };
    client.accessReport({ from, to, recordsUse }, { signal: end.signal, people: true }).then(
      (value) => {
        learn(value.people);
        finish({ value });
      },
      (error: unknown) => {
        finish({ error });
        if (mayPass(error) && !end.signal.aborted) cancel = after(RETRY_MS, again);
      },
    );
    const quit = () => {
      cancel();
      end.abort();
    };
    stop.current = () => {
      quit();
      setState({ isStopped: true });
    };
    return quit;
  }, [from, to, recordsUse, round]);
  return { ...state, again, stop: () => stop.current() };
}
