import { readDuration, type Duration } from '../../core/duration.js';
import { invalid, readOptions } from '../../core/parse.js';

/** How the engine records that grants are used. */
export interface RecordUse {
  /** The least time between a recorded use of a grant and the next record, over the fleet: at least 1 minute. Default: 15 minutes. */
  readonly every?: Duration | undefined;
}

/** The parsed option `recordUse`. */
export interface ParsedRecordUse {
  /** Whether checks record a use unless they say otherwise. */
  readonly isOn: boolean;
  readonly everyMs: number;
}

const MINUTE_MS = 60_000;

/** @throws InvalidArgumentError */
export function readRecordUse(given: unknown = false): ParsedRecordUse {
  const isOn = given !== false;
  if (typeof given !== 'boolean' && (typeof given !== 'object' || given === null))
    throw invalid('recordUse', "true, false, or an object such as { every: '15m' }", given);
  const { every = '15m' } = typeof given === 'boolean' ? {} : readOptions<keyof RecordUse>('recordUse', given, ['every']);
  const everyMs = readDuration('recordUse.every', every);
  if (everyMs < MINUTE_MS) throw invalid('recordUse.every', 'at least 1 minute', every);
  return { isOn, everyMs };
}
