import { isJitError, messageOf, StoreError } from '../core/errors.js';
import type { MaybePromise, Page } from '../core/ports.js';
import type {
  Change,
  CommitAnswer,
  FindQuery,
  GrantStore,
  GrantWindow,
  JournalQuery,
  JournalSlice,
  LiveQuery,
  Row,
  RowKey,
} from '../core/store-port.js';
import { isObject, placeIn, type Anchor } from '../records/index.js';
import { isThenable } from '../core/thenable.js';

/*
 * A store is foreign code. Its exceptions and malformed answers become typed errors, never answers (L30). These functions check
 * only the form of an answer. The decoder judges each row and entry, because a malformed one must not hide the others.
 */

/** Calls a method of a store. @throws StoreError, and rethrows an error of this package unchanged */
export function askStore<T>(method: keyof GrantStore, call: () => MaybePromise<T>, isSound: (answer: unknown) => boolean): MaybePromise<T> {
  const check = (answer: T): T => {
    if (!isSound(answer)) throw new Error(MALFORMED);
    return answer;
  };
  const fail = (error: unknown): never => {
    throw failure(method, error);
  };
  try {
    const answer = call();
    return isThenable(answer) ? Promise.resolve(answer).then(check).catch(fail) : check(answer);
  } catch (error) {
    return fail(error);
  }
}

/** Calls `live`. Every check does, so it makes no closure and no promise if the store answers at once. */
export function askLive(store: Pick<GrantStore, 'live'>, query: LiveQuery): MaybePromise<readonly Row[]> {
  let answer: MaybePromise<readonly Row[]>;
  try {
    answer = store.live(query);
    if (isRows(answer)) return answer;
  } catch (error) {
    throw failure('live', error);
  }
  return askStore('live', () => answer, isRows);
}

/**
 * Calls `windowOf`, for the fast path of a check. It passes two strings that are not validated: a store answers only for names that
 * it keeps.
 */
export function askWindow(store: Pick<GrantStore, 'windowOf'>, subject: string, scope: string): GrantWindow | undefined {
  try {
    const window: unknown = store.windowOf?.(subject, scope);
    if (window === undefined || isObject(window)) return window as GrantWindow | undefined;
    throw new Error(MALFORMED);
  } catch (error) {
    throw failure('windowOf', error);
  }
}

const failure = (method: keyof GrantStore, error: unknown): Error =>
  isJitError(error) ? error : new StoreError(method, messageOf(error), error);

export const MALFORMED = 'the answer of the store is malformed';

export const askJournal = (store: Pick<GrantStore, 'journal'>, query: JournalQuery): MaybePromise<JournalSlice> =>
  askStore('journal', () => store.journal(query), isSlice);

export const askPage = (store: Pick<GrantStore, 'find'>, query: FindQuery): MaybePromise<Page<Row>> =>
  askStore('find', () => store.find(query), isPageOfPlaces(query.after));

/** Calls `get`. Does not verify that each row has the requested key. */
export const askRows = (store: Pick<GrantStore, 'get'>, keys: readonly RowKey[]): MaybePromise<readonly (Row | undefined)[]> =>
  askStore<readonly (Row | undefined)[]>(
    'get',
    () => store.get(keys),
    (rows) => isRows(rows) && rows.length === keys.length,
  );

/** Whether an answer of `commit` is well-formed. A change without `knows` cannot be answered `'behind'`. */
export function isCommitAnswer(value: unknown, { knows }: Change): value is CommitAnswer {
  if (!isObject(value)) return false;
  const { outcome, head } = value as Partial<CommitAnswer>;
  return (outcome === 'committed' || outcome === 'conflict' || (outcome === 'behind' && knows !== undefined)) && isAnchor(head);
}

export const isRows = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Checks also the form of `next`: callers of the engine receive it and pass it back as `after`. */
export const isPageOfPlaces = (after: string | undefined) => {
  const isPage = isPageAfter(after);
  return (value: unknown): boolean => {
    if (!isPage(value)) return false;
    const { next } = value as Page<Row>;
    return next === undefined || placeIn(next) !== undefined;
  };
};

/** A page whose `next` is its own cursor would make the reader loop for ever. */
export const isPageAfter =
  (after: string | undefined) =>
  (value: unknown): boolean => {
    if (!isObject(value)) return false;
    const { items, next } = value as Page<Row>;
    return isRows(items) && (next === undefined || (typeof next === 'string' && next !== after));
  };

function isSlice(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { entries, start, head } = value as JournalSlice;
  return Array.isArray(entries) && isAnchor(start) && isAnchor(head) && start.seq <= head.seq;
}

/** A seq from 0, and 64 lower-case hex digits. */
function isAnchor(value: unknown): value is Anchor {
  if (!isObject(value)) return false;
  const { seq, hash } = value as Partial<Anchor>;
  return Number.isSafeInteger(seq) && (seq as number) >= 0 && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash);
}
