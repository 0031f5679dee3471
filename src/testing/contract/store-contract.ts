import { readPort } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import { ContractViolation, text } from '../assertions.js';
import { aRow } from '../builders.js';
import type { TestRunner } from '../runner.js';
import { adopting } from './adopting.js';
import { answers } from './answers.js';
import { byteWise } from './byte-wise.js';
import type { Cases, DefineCase, Hooks, UserHook } from './cases.js';
import { changeSize } from './change-size.js';
import { clockless } from './clockless.js';
import { compared } from './compared.js';
import { copies } from './copies.js';
import { hooked } from './hooked.js';
import { journal } from './journal.js';
import { knows } from './knows.js';
import { lostReplies } from './lost-replies.js';
import { namespaces } from './namespaces.js';
import { outages } from './outages.js';
import { purge } from './purge.js';
import { readingContext } from './reading-context.js';
import { readingDue } from './reading-due.js';
import { readingDueNamespaces } from './reading-due-namespaces.js';
import { readingFind } from './reading-find.js';
import { readingOrder } from './reading-order.js';
import { readingHeads } from './reading-heads.js';
import { readingLive } from './reading-live.js';
import { readingWindow } from './reading-window.js';
import { repeated } from './repeated.js';
import { changeOf } from './steps.js';
import { visible } from './visible.js';
import { wholeOrNothing } from './whole-or-nothing.js';

/** The store to test, and the hooks that only its author can provide. */
export interface StoreContractOptions<Store extends GrantStore = GrantStore> {
  /** The name of the store in the report. */
  readonly name: string;
  /**
   * Creates a store for a namespace in which nothing was ever committed. Called for each case. A new namespace for each call
   * is enough. The suite also uses namespaces whose names begin with that name.
   */
  create(): MaybePromise<Store>;
  /** Called after each case, whether it passed or failed. Default: none. */
  cleanup?(store: Store): MaybePromise<void>;
  /**
   * Opens another handle to the namespace of `store`, as independent as possible: with another connection, preferably in
   * another process. Default: `store.in(store.namespace)`, which is right only for a store that no other process can reach.
   */
  reopen?(store: Store): MaybePromise<GrantStore>;
  /**
   * Breaks the backend of `store`: closes the pool, cuts the connection, or points it at a dead port. Without this hook
   * guarantee 9 is not proven, and the report says so. Default: none.
   *
   * @returns a function that repairs the backend, with all its data
   */
  breakBackend?(store: Store): MaybePromise<() => MaybePromise<void>>;
  /**
   * Lets the backend of `store` apply the next commit, and loses its reply, for example in a proxy that then cuts the connection. A store
   * must not report that nothing was applied. Without this hook the case is skipped. Default: none.
   *
   * @returns a function that repairs the connection
   */
  loseReply?: ((store: Store) => MaybePromise<() => MaybePromise<void>>) | undefined;
  /**
   * Creates a store like `create` that runs `hook` in the transaction of each change that has entries, as `onCommit` of the SQL stores
   * does. `cleanup` is called for it. Without this hook the cases of `hooks` are skipped. Default: none.
   */
  createHooked?(hook: UserHook): MaybePromise<Store>;
}

/** The nine guarantees of `GrantStore`, by number, each with the groups of cases that prove it. */
const GUARANTEES: readonly (readonly [guarantee: string, groups: Readonly<Record<string, Cases>>])[] = [
  [
    '1. a change is applied whole or not at all',
    { 'commit()': wholeOrNothing, 'a purge': purge, 'the greatest size': changeSize, 'adopt()': adopting, hooks: hooked },
  ],
  ['2. every expectation is compared in the same transaction', { 'commit()': compared, 'an entry that the caller knows': knows }],
  ['3. a change that is committed again has one effect', { 'commit()': repeated }],
  ['4. what is resolved is visible to every later read by every process', { reads: visible, 'context()': readingContext }],
  [
    '5. entries get the next sequence numbers, linked, in commit order',
    { 'journal()': journal, 'the head that commit() answers': answers, 'heads()': readingHeads },
  ],
  [
    '6. there is no clock, and no order except that of ids and integers',
    {
      instants: clockless,
      'live()': readingLive,
      'windowOf()': readingWindow,
      'find()': readingFind,
      'the order of find()': readingOrder,
      'due()': readingDue,
      'dueNamespaces()': readingDueNamespaces,
    },
  ],
  ['7. a store is bound to one namespace, and equality is byte for byte', { namespaces, bytes: byteWise }],
  ['8. what is returned shares nothing mutable with what is kept', { copies }],
  ['9. an unavailable backend is a rejection, never an empty answer', { outages, 'a lost reply': lostReplies }],
];

/**
 * Defines the contract suite of {@link GrantStore}: the nine guarantees, each a group of cases. The engine's laws hold on a
 * store that passes it. A store that fails it may allow access without a grant, or lose journal entries.
 *
 * The suite has its own assertions, and runs with any runner that has `describe` and `it`. It never sleeps, and needs the
 * runner's time limit only to detect a store that never answers. The cases of `context`, `heads`, `dueNamespaces`, `maxChange`
 * and `adopt` are skipped, with the reason, for a store without these names.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` if the runner has no `describe` and `it`, or the options have no
 *   `create`
 * @example
 * import { describe, it } from 'vitest';
 * import { storeContract } from 'jit-access/testing';
 *
 * storeContract(
 *   { describe, it },
 *   {
 *     name: 'MyGrantStore',
 *     create: () => MyGrantStore.connect({ url, namespace: randomUUID() }),
 *     cleanup: (store) => store.close(),
 *     reopen: (store) => MyGrantStore.connect({ url, namespace: store.namespace }),
 *     breakBackend: (store) => store.pool.pause(),
 *   },
 * );
 */
export function storeContract<Store extends GrantStore>(runner: TestRunner, options: StoreContractOptions<Store>): void {
  readPort('runner', runner, ['describe', 'it']);
  readPort('options', options, ['create']);
  // Called as methods of the options: the hooks of a class instance would otherwise lose their `this`.
  const hooks: Hooks<Store> = {
    reopen: (store) => options.reopen?.(store) ?? store.in(store.namespace),
    breakBackend: options.breakBackend === undefined ? undefined : (store) => (options as Required<typeof options>).breakBackend(store),
    loseReply:
      options.loseReply === undefined
        ? undefined
        : (store) => (options as Required<typeof options>).loseReply?.(store) ?? (() => undefined),
    withHook: options.createHooked === undefined ? undefined : (hook, body) => withHook(options as Required<typeof options>, hook, body),
  };
  runner.describe(`GrantStore contract: ${options.name}`, () => {
    runner.it('create() gives a namespace in which nothing has ever been committed', () => createsEmptyStores(options));
    for (const [guarantee, groups] of GUARANTEES) {
      runner.describe(guarantee, () => {
        for (const [group, cases] of Object.entries(groups)) {
          runner.describe(group, () => {
            cases(caseOf(runner, options, guarantee), hooks);
          });
        }
      });
    }
  });
}

async function withHook<Store extends GrantStore>(
  options: StoreContractOptions<Store> & Required<Pick<StoreContractOptions<Store>, 'createHooked'>>,
  hook: UserHook,
  body: (store: Store) => Promise<void>,
): Promise<void> {
  const store = await options.createHooked(hook);
  try {
    await body(store);
  } finally {
    await options.cleanup?.(store);
  }
}

/** A `create` that returns the same namespace twice would fail nearly every case, and no message would name the reason. */
async function createsEmptyStores<Store extends GrantStore>(options: StoreContractOptions<Store>): Promise<void> {
  for (let call = 1; call <= 2; call++) {
    const store = await options.create();
    try {
      const { head } = await store.journal({ after: 0, limit: 1 });
      const before = `the journal of ${text(store.namespace)} is at entry ${head.seq}`;
      if (head.seq !== 0) throw new Error(`create() must give a namespace in which nothing has ever been committed: ${before}`);
      await store.commit(changeOf(store, 'before all cases', [aRow()]));
    } finally {
      await options.cleanup?.(store);
    }
  }
}

function caseOf<Store extends GrantStore>(runner: TestRunner, options: StoreContractOptions<Store>, guarantee: string): DefineCase<Store> {
  return (name, body) => {
    // A rest parameter does not count in `length`: otherwise a runner would wait for a callback.
    runner.it(name, async (...[context]: readonly unknown[]) => {
      const store = await options.create();
      try {
        const print = (text: string) => report(context, `${options.name}: ${text}`);
        await body(store, (why) => leaveOut(context, why), print);
      } catch (error) {
        throw error instanceof ContractViolation ? error.of(guarantee) : error;
      } finally {
        await options.cleanup?.(store);
      }
    });
  };
}

/** Prints a text, if the context that the runner passes supports it: `diagnostic` in `node:test`, `annotate` in vitest. */
function report(context: unknown, text: string): void {
  const runner = context as { diagnostic?(text: string): void; annotate?(text: string): unknown } | undefined;
  if (runner?.diagnostic !== undefined) runner.diagnostic(text);
  else void runner?.annotate?.(text);
}

/** Skips a case, if the context that the runner passes supports it, as in vitest and `node:test`. Otherwise the case passes. */
function leaveOut(context: unknown, why: string): void {
  const runner = context as { skip?(why: string): void } | undefined;
  runner?.skip?.(why);
}
