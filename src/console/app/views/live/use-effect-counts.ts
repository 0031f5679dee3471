import { useEffect, useState } from 'preact/hooks';
import type { EndCounts } from '../../../../client.js';
import { after } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { useRead } from '../../frame/use-read.js';
import { calledBy, type Target } from './filters.js';

/** A value that has not changed for some time: no call is sent for each letter of a name. */
function useSettled<T>(value: T, ms: number): T {
  const [settled, setSettled] = useState(value);
  useEffect(
    () =>
      after(ms, () => {
        setSettled(value);
      }),
    [value],
  );
  return settled;
}

/** What a call would end. */
export interface Ends {
  /** `undefined`: the target is empty, or not counted yet. */
  readonly counts: EndCounts | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
}

/** What a call would end now, in numbers: read again after each change. */
export function useEnds(verb: 'revokeAll' | 'lock', target: Target): Ends {
  const { client } = useConsole();
  const given = `${target.kind}\n${target.value.trim()}`;
  const asked = useSettled(given, 250);
  const [kind, value] = asked.split('\n') as [Target['kind'], string];
  const read = useRead<EndCounts | undefined>(
    (signal) => {
      if (value === '') return Promise.resolve(undefined);
      const called = { ...calledBy({ kind, value }), dryRun: true as const };
      return verb === 'lock'
        ? client.lock(called as Parameters<typeof client.lock>[0] & { dryRun: true }, { signal })
        : client.revokeAll(called, { signal });
    },
    [verb, asked],
  );
  // Numbers of another target than the present one are not shown.
  return asked === given
    ? { counts: read.value, isLoading: read.isLoading, error: read.error }
    : { counts: undefined, isLoading: true, error: undefined };
}
