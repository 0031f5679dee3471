import { isId } from '../core/parse.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type { FindQuery, Row } from '../core/store-port.js';
import { corrupt } from '../records/kind.js';
import { isObject } from '../records/index.js';
import { isInstant } from '../core/instant.js';

/** The names of an approver and a matcher in use in a namespace. Every engine that has both writes the same row, hourly at most. */
export interface Configuration {
  readonly approver: string;
  readonly matcher: string;
  /** When an engine with this configuration last wrote the row. Epoch milliseconds. */
  readonly seenAt: number;
}

export const ENGINE_ROW = 'engine';
/** A row that no engine has written for this long belongs to a configuration that is no longer in use. */
export const SILENCE_MS = 86_400_000;

/** The configurations in rows that a store has returned. `onUnreadable` receives the error of each row that this version did not write. */
export function readConfigurations(rows: readonly Row[], onUnreadable: (error: unknown) => void): readonly Configuration[] {
  return rows.flatMap((row) => {
    try {
      return [readConfiguration(row)];
    } catch (error) {
      onUnreadable(error);
      return [];
    }
  });
}

/** The most rows that a checker reads. If there are more, it does not know all matchers. */
const MAX_MATCHERS = 1_000;

/**
 * The matchers of the configurations in use in a namespace. If no engine has written its row for a day, the matchers of all
 * rows: a grant may be live after a day without a commit.
 *
 * @returns `isComplete` is false if a row is unreadable, or if there are more rows than are read
 * @throws StoreError
 */
export async function matchersInUse(
  find: (query: FindQuery) => MaybePromise<Page<Row>>,
  now: number,
  onUnreadable: (error: unknown) => void,
): Promise<{ readonly matchers: readonly string[]; readonly isComplete: boolean }> {
  const { items, next } = await find({ kind: ENGINE_ROW, limit: MAX_MATCHERS });
  const known = readConfigurations(items, onUnreadable);
  const live = known.filter(({ seenAt }) => seenAt > now - SILENCE_MS);
  const matchers = new Set((live.length > 0 ? live : known).map(({ matcher }) => matcher));
  return { matchers: [...matchers], isComplete: next === undefined && known.length === items.length };
}

/** @throws CorruptError for a row that this version did not write */
export function readConfiguration(row: Row): Configuration {
  const { approver, matcher, seenAt } = (isObject(row) && isObject(row.body) ? row.body : {}) as Partial<
    Record<keyof Configuration, unknown>
  >;
  if (isId(approver) && isId(matcher) && isInstant(seenAt)) return { approver, matcher, seenAt };
  throw corrupt(row);
}
