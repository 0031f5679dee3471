/** A change that a store has committed without its hook. */
export interface FailedHook {
  /** The id of the change. */
  readonly changeId: string;
  /** The seq of the change's first entry. Failed hooks are listed in this order. */
  readonly seq: number;
}

/** See `GrantStore.hooks`. */
export interface StoreHooks {
  /**
   * The failed hooks of the namespace, the oldest change first, by whichever process they were recorded.
   *
   * @param query.after a seq: the list begins after it
   * @throws StoreError
   */
  failed(query: { readonly after: number; readonly limit: number }): Promise<readonly FailedHook[]>;

  /**
   * Calls the hook again for failed changes: for each at most once, in a transaction that also removes it from the list. Without a
   * hook in this process it calls nothing.
   *
   * @param changeId this change only. Default: the next 64 of the list; the store reports those that fail again
   * @returns how many hooks have succeeded; 0 for a change that is not in the list
   * @throws StoreError; HookError if the hook of `changeId` fails again
   */
  retry(changeId?: string): Promise<number>;

  /** Removes a change from the list without a call. @returns false if it is not in the list @throws StoreError */
  dismiss(changeId: string): Promise<boolean>;
}
