import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import type { AuditEntry } from '../../records/index.js';

/**
 * Defines a case. Each case gets an empty store of its own, may skip itself with a reason, and may print what it has measured. The
 * runner reports both if it can.
 */
export type DefineCase<Store extends GrantStore> = (
  name: string,
  body: (store: Store, leaveOut: (why: string) => void, print: (text: string) => void) => Promise<void>,
) => void;

/** The optional methods of a store. Their cases are skipped for a store without the method. */
export type OptionalMethod = 'context' | 'heads' | 'dueNamespaces' | 'adopt';

/** Defines cases of an optional method. */
export function casesOf<Method extends OptionalMethod, Store extends GrantStore>(method: Method, it: DefineCase<Store>) {
  return (name: string, body: (store: Store & Required<Pick<GrantStore, Method>>) => Promise<void>): void => {
    it(name, async (store, leaveOut) => {
      if (store[method] === undefined) leaveOut(`the store has no ${method}()`);
      else await body(store as Store & Required<Pick<GrantStore, Method>>);
    });
  };
}

/** The hooks of a store's author that cases use. */
export interface Hooks<Store extends GrantStore> {
  readonly reopen: (store: Store) => MaybePromise<GrantStore>;
  readonly breakBackend: ((store: Store) => MaybePromise<() => MaybePromise<void>>) | undefined;
  readonly loseReply: ((store: Store) => MaybePromise<() => MaybePromise<void>>) | undefined;
  /** Runs a case over a store of its own with this hook. */
  readonly withHook: ((hook: UserHook, body: (store: Store) => Promise<void>) => Promise<void>) | undefined;
}

/** Code of the store's user that runs in a commit, such as `onCommit` of the SQL stores. */
export type UserHook = (change: { readonly id: string; readonly entries: readonly AuditEntry[] }) => Promise<void>;

/** The cases of one group. */
export type Cases = <Store extends GrantStore>(it: DefineCase<Store>, hooks: Hooks<Store>) => void;
