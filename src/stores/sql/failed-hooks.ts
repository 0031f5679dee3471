import { HookError, StoreError } from '../../core/errors.js';
import type { FailedHook, StoreHooks } from '../../core/hook-port.js';
import { SingleFlight } from '../../core/single-flight.js';
import type { Backend } from './backend.js';
import { HookFailed, isRefusal, leftBehind } from './failures.js';
import type { Hook } from './hook.js';
import { entryOf, integerOf, textOf } from './rows.js';

/** How many hooks one pass of a sweep calls again. */
const MAX_CALLS = 64;

/** The changes of a namespace that were committed without the hook. */
export class FailedHooks implements StoreHooks {
  readonly #backend: Backend;
  readonly #column: string;
  readonly #namespace: string;
  /** Where the next pass begins, so that hooks that fail again do not hide those after them. */
  #after = 0;
  /** A pass may take longer than the pause between two sweeps. */
  readonly #passing = new SingleFlight<number>();

  /** @param column the namespace as the columns store it */
  constructor(backend: Backend, column: string, namespace: string) {
    this.#backend = backend;
    this.#column = column;
    this.#namespace = namespace;
  }

  async failed({ after, limit }: { readonly after: number; readonly limit: number }): Promise<readonly FailedHook[]> {
    return this.#backend.ask('hooks', this.#backend.statements.listHooks, [this.#column, after, limit], (found) =>
      found
        .filter((columns) => columns['seq'] !== null)
        .map((columns) => ({ changeId: textOf(columns, 'change_id'), seq: integerOf(columns, 'seq') }))
        .sort((a, b) => a.seq - b.seq),
    );
  }

  async retry(changeId?: string): Promise<number> {
    const { hook } = this.#backend;
    if (hook === undefined) return 0;
    if (changeId !== undefined) {
      return this.#call(hook, changeId).catch((error: unknown) => {
        throw error instanceof HookFailed ? new HookError(changeId, error.cause) : error;
      });
    }
    return this.#passing.join(() => this.#pass(hook));
  }

  async #pass(hook: Hook): Promise<number> {
    const page = await this.failed({ after: this.#after, limit: MAX_CALLS });
    let called = 0;
    for (const failed of page) {
      this.#after = failed.seq;
      try {
        called += await this.#call(hook, failed.changeId);
      } catch (error) {
        if (!(error instanceof HookFailed)) throw error;
        hook.report(failed.changeId, error);
      }
    }
    if (page.length < MAX_CALLS) this.#after = 0;
    return called;
  }

  async dismiss(changeId: string): Promise<boolean> {
    const { takeHook } = this.#backend.statements;
    return this.#backend.transact('hooks', async (ask) => (await ask(takeHook, [this.#column, changeId])).length > 0);
  }

  /** Removes the change from the list and calls the hook, both or neither. @returns how many it has called */
  #call(hook: Hook, id: string): Promise<number> {
    const { takeHook, entriesOfChange } = this.#backend.statements;
    let hasEnded = false;
    const called = this.#backend.transact('hooks', async (ask, connection) => {
      hasEnded = false;
      const key = [this.#column, id];
      const [taken] = await ask(takeHook, key);
      if (taken === undefined) return 0;
      const entries = (await ask(entriesOfChange, key)).map((columns) => entryOf(columns, this.#namespace));
      // A purge may also have removed only the first of them.
      if (entries[0]?.seq !== integerOf(taken, 'seq'))
        throw new HookFailed(new StoreError('hooks', 'a purge has removed the entries of the change: dismiss it'));
      await hook.run(ask, connection, { id, entries });
      hasEnded = true;
      return 1;
    });
    return called.catch((error: unknown) => {
      throw hasEnded && error instanceof StoreError && isRefusal(error.cause) ? new HookFailed(leftBehind(error.cause)) : error;
    });
  }
}
