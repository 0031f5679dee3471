import { isActor } from '../../core/parse.js';
import type { JsonObject } from '../../model/json.js';
import type { AuditEntry } from '../../records/index.js';

const DAY_MS = 86_400_000;
/** Of how many of the newest days with entries the middle one bounds the horizon, if it is later: in a quiet namespace. */
const JUDGED_DAYS = 8;
/** After a longer gap between two of these days, the later ones may all come from one clock that is ahead, so they confirm nothing. */
const MAX_QUIET_MS = JUDGED_DAYS * DAY_MS;

/** Of an even number, takes the lower of the two in the middle: a wrong clock that stamped half of the entries does not decide. */
export const middleOf = (instants: readonly number[]): number => [...instants].sort((a, b) => a - b)[(instants.length - 1) >> 1] ?? 0;

/** The middle one of the newest days with entries, or an earlier one that a gap follows. 0: there are too few days. */
export function confirmedByDays(instants: readonly number[]): number {
  const sorted = [...newestDays(instants)].sort((a, b) => a - b);
  if (sorted.length < JUDGED_DAYS) return 0;
  const gap = sorted.findIndex((at, i) => (sorted[i + 1] ?? at) - at > MAX_QUIET_MS);
  return sorted[Math.min((sorted.length - 1) >> 1, gap === -1 ? Infinity : gap)] as number;
}

/** The newest instant of each of the last days with entries, in the order of the journal: at most {@link JUDGED_DAYS}. */
function newestDays(instants: readonly number[]): readonly number[] {
  const days = new Map<number, number>();
  for (let i = instants.length - 1; i >= 0; i--) {
    const at = instants[i] as number;
    const day = Math.floor(at / DAY_MS);
    if (days.size < JUDGED_DAYS || days.has(day)) days.set(day, Math.max(at, days.get(day) ?? 0));
  }
  return [...days.values()];
}

/**
 * Whether a caller wrote the entry. A process with a wrong clock writes any number of entries without a caller, which must not
 * confirm that clock: those of the engine's own actors, and those that finish a lock in the name of the caller that set it.
 */
export const isOfCaller = ({ actor, type, data }: AuditEntry): boolean =>
  isActor(actor) && type !== 'lock.completed' && (data?.['end'] as JsonObject | undefined)?.['cause'] !== 'locked';
