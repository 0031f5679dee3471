import { useEffect, useState } from 'preact/hooks';
import type { EndCounts } from '../../../../client.js';
import { after } from '../../frame/clock.js';
import { useConsole } from '../../frame/console.js';
import { useRead, type Read } from '../../frame/use-read.js';
import { useMeant } from '../../parts/use-meant.js';
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

/** What a call would end now, in numbers: read again after each change. `undefined`: the target is empty, or not counted yet. */
function useEffectCounts(verb: 'revokeAll' | 'lock', target: Target): Read<EndCounts | undefined> & { readonly isOfTarget: boolean } {
  const { client } = useConsole();
  const asked = useSettled(`${target.kind}\n${target.value.trim()}`, 250);
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
  return { ...read, isOfTarget: asked === `${target.kind}\n${target.value.trim()}` };
}

/** The target of a form, and what a call would end now. */
export interface Ends {
  /** The target that a call has. A person who is named by a name has their id. */
  readonly called: Target;
  /** `undefined`: the target is empty, or not counted yet. */
  readonly counts: EndCounts | undefined;
  readonly isLoading: boolean;
  readonly error: unknown;
  /** The id of the person of the target, whom the service names. `undefined`: it names none. */
  readonly person: string | undefined;
}

/** Counts what a target ends. A text under which, as an id, nothing is open may be the name of one person: then it means that person. */
export function useEnds(verb: 'revokeAll' | 'lock', target: Target): Ends {
  const { people } = useConsole();
  const given = useEffectCounts(verb, target);
  const isUnmatched = target.kind === 'person' && given.isOfTarget && (given.error !== undefined || given.value?.matched === false);
  const { isLooking, id } = useMeant(isUnmatched ? target.value.trim() : undefined);
  const named: Target = { kind: 'person', value: id ?? '' };
  const meant = useEffectCounts(verb, named);
  const called = id === undefined ? target : named;
  const { value, error, isLoading, isOfTarget } = id === undefined ? given : meant;
  const isCounted = isOfTarget && !isLooking;
  const subject = called.value.trim();
  return {
    called,
    counts: isCounted ? value : undefined,
    isLoading: isLoading || !isCounted,
    error: isCounted ? error : undefined,
    person: called.kind === 'person' && people.value.has(subject) ? subject : undefined,
  };
}
