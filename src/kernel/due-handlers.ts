import type { Row } from '../core/store-port.js';
import type { FeatureKind } from '../records/index.js';

/** What a feature does with the due rows of its kind. */
export interface DueHandler<T> {
  /** @throws the problem with the row: the sweep reports it to `onError` and skips the row */
  decode(row: Row): T;
  /**
   * Called at the end of every pass, also with an empty list: the feature may have work that no due row announces. `handle`
   * returns before that work has ended. If the work on a row fails, the feature moves the row's `dueAt`, so that the next
   * pass does not begin with it again.
   *
   * @returns how many of the rows it leaves to other processes
   */
  handle(due: readonly T[]): number;
}

export class DueHandlers {
  readonly #byKind = new Map<FeatureKind, DueHandler<unknown>>();
  readonly #onError: (error: unknown, during: string) => void;

  constructor(onError: (error: unknown, during: string) => void) {
    this.#onError = onError;
  }

  set<T>(kind: FeatureKind, handler: DueHandler<T>): void {
    this.#byKind.set(kind, handler);
  }

  collect(): DueRows {
    return new DueRows(this.#byKind, this.#onError);
  }
}

/** The due rows of features that one pass has found. */
export class DueRows {
  /** The number of rows that no handler of this process has taken. */
  unhandled = 0;
  readonly #handlers: ReadonlyMap<FeatureKind, DueHandler<unknown>>;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #records = new Map<FeatureKind, unknown[]>();

  constructor(handlers: ReadonlyMap<FeatureKind, DueHandler<unknown>>, onError: (error: unknown, during: string) => void) {
    this.#handlers = handlers;
    this.#onError = onError;
  }

  /** Keeps a row for the handler of its kind. Without one the row is counted and not decoded. @throws what `decode` throws */
  add(kind: FeatureKind, row: Row): void {
    const handler = this.#handlers.get(kind);
    if (handler === undefined) {
      this.unhandled += 1;
      return;
    }
    const record = handler.decode(row);
    const records = this.#records.get(kind);
    if (records === undefined) this.#records.set(kind, [record]);
    else records.push(record);
  }

  /** Gives each handler its rows. A handler that throws is reported, and the other handlers still get their rows. */
  handOver(): void {
    for (const [kind, handler] of this.#handlers) {
      try {
        this.unhandled += handler.handle(this.#records.get(kind) ?? []);
      } catch (error) {
        this.#onError(error, 'sweep');
      }
    }
  }
}
