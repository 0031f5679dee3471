import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';

/** Defines a case. Each gets an empty store of its own. */
export type DefineCase<Store extends GrantStore> = (name: string, body: (store: Store) => Promise<void>) => void;

/** What cases can do to a store besides calling it. */
export interface Hooks<Store extends GrantStore> {
  readonly reopen: (store: Store) => MaybePromise<GrantStore>;
  readonly breakBackend: ((store: Store) => MaybePromise<() => MaybePromise<void>>) | undefined;
}

/** The cases of one group. */
export type Cases = <Store extends GrantStore>(it: DefineCase<Store>, hooks: Hooks<Store>) => void;
