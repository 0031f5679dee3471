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
import { isThenable } from '../core/time.js';

/*
 * A store is somebody else's code. Whatever it throws, or answers wrongly, becomes a typed error, and never an answer
 * (L30). What each row or entry is worth is for whoever decodes it: one that is malformed must not hide the others.
 */

/** @throws StoreError; an error of ours as it is */
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

/** The question of every check, so it is put without a closure or a promise where the store answers at once. */
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
 * The short cut of a check. The subject and scope are handed over as the caller gave them, unread: a store answers only for
 * pairs that it keeps.
 */
export function askWindow(store: Pick<GrantStore, 'windowOf'>, subject: unknown, scope: unknown): GrantWindow | undefined {
  try {
    const window: unknown = store.windowOf?.(subject as string, scope as string);
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

/** Whether each is the row that was asked for isn't proven. */
export const askRows = (store: Pick<GrantStore, 'get'>, keys: readonly RowKey[]): MaybePromise<readonly (Row | undefined)[]> =>
  askStore<readonly (Row | undefined)[]>(
    'get',
    () => store.get(keys),
    (rows) => isRows(rows) && rows.length === keys.length,
  );

/** Whether what `commit` has answered can be believed. One that was given no `knows` can't be behind. */
export function isCommitAnswer(value: unknown, { knows }: Change): value is CommitAnswer {
  if (!isObject(value)) return false;
  const { outcome, head } = value as Partial<CommitAnswer>;
  return (outcome === 'committed' || outcome === 'conflict' || (outcome === 'behind' && knows !== undefined)) && isAnchor(head);
}

export const isRows = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Callers of the engine are given the places of `find`, and give them back. */
const isPageOfPlaces = (after: string | undefined) => {
  const isPage = isPageAfter(after);
  return (value: unknown): boolean => {
    if (!isPage(value)) return false;
    const { next } = value as Page<Row>;
    return next === undefined || placeIn(next) !== undefined;
  };
};

/** One that leads on to itself would be read for ever. */
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
