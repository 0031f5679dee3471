import { readPort } from '../../core/parse.js';
import type { MaybePromise } from '../../core/ports.js';
import type { GrantStore } from '../../core/store-port.js';
import { ContractViolation, text } from '../assertions.js';
import { aRow } from '../builders.js';
import type { TestRunner } from '../runner.js';
import { answers } from './answers.js';
import { byteWise } from './byte-wise.js';
import type { Cases, DefineCase, Hooks } from './cases.js';
import { changeSize } from './change-size.js';
import { clockless } from './clockless.js';
import { compared } from './compared.js';
import { copies } from './copies.js';
import { journal } from './journal.js';
import { knows } from './knows.js';
import { namespaces } from './namespaces.js';
import { outages } from './outages.js';
import { purge } from './purge.js';
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

/** The store to be proven, and what only its author can do for the suite. */
export interface StoreContractOptions<Store extends GrantStore = GrantStore> {
  /** How the store is called in the report. */
  readonly name: string;
  /**
   * A store bound to a namespace in which nothing has ever been committed. Called for each case. A namespace of its own
   * for each call is enough; the suite also uses namespaces whose names begin with that one's.
   */
  create(): MaybePromise<Store>;
  /** Called after each case, whether it passed or not. */
  cleanup?(store: Store): MaybePromise<void>;
  /**
   * Another handle to the namespace of `store`, as far away from it as can be: of another connection, best of another
   * process. Default: `store.in(store.namespace)`, which is right only for a store that no other process can reach.
   */
  reopen?(store: Store): MaybePromise<GrantStore>;
  /**
   * Takes the backend away from `store`: closes the pool, cuts the connection, points it at a dead port.
   *
   * Without this hook guarantee 9 is not proven, and the report says so.
   *
   * @returns gives the backend back, with everything that it held
   */
  breakBackend?(store: Store): MaybePromise<() => MaybePromise<void>>;
}

/** The nine guarantees of `GrantStore`, by number, each with the groups of cases that prove it. */
const GUARANTEES: readonly (readonly [guarantee: string, groups: Readonly<Record<string, Cases>>])[] = [
  ['1. a change is applied whole or not at all', { 'commit()': wholeOrNothing, 'a purge': purge, 'the greatest size': changeSize }],
  ['2. every expectation is compared in the same transaction', { 'commit()': compared, 'an entry that the caller knows': knows }],
  ['3. a change that is committed again has one effect', { 'commit()': repeated }],
  ['4. what is resolved is visible to every later read by every process', { reads: visible }],
  [
    '5. entries get the next sequence numbers, linked, in commit order',
    { 'journal()': journal, 'the head that commit() answers': answers, 'heads()': readingHeads },
  ],
  [
    '6. there is no clock, and no order but that of ids and integers',
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
  ['9. a backend that cannot be asked is a rejection, never an empty answer', { outages }],
];

/**
 * Defines the contract suite of {@link GrantStore}: the nine guarantees, each a group of cases. A store that passes it
 * can be trusted with the laws of the engine; one that fails it gives access it should not, or loses the record.
 *
 * The suite brings its own assertions and no runner: it runs wherever there are a `describe` and an `it`. It never
 * sleeps, and it needs a time limit of the runner only to notice a store that never answers. The cases of `heads` and
 * `dueNamespaces` are skipped, with the reason, for a store without these methods.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT` where the runner has no `describe` and `it`, or the options no `create`
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
  // Called on the options, as methods: the hooks of a class instance would lose their `this` otherwise.
  const hooks: Hooks<Store> = {
    reopen: (store) => options.reopen?.(store) ?? store.in(store.namespace),
    breakBackend: options.breakBackend === undefined ? undefined : (store) => (options as Required<typeof options>).breakBackend(store),
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

/** Without it a `create` that gives one namespace twice fails nearly every case, and no message names the reason. */
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
    // A rest parameter counts as none: a runner would otherwise wait for a callback.
    runner.it(name, async (...[context]: readonly unknown[]) => {
      const store = await options.create();
      try {
        await body(store, (why) => leaveOut(context, why));
      } catch (error) {
        throw error instanceof ContractViolation ? error.of(guarantee) : error;
      } finally {
        await options.cleanup?.(store);
      }
    });
  };
}

/** Reports a case as left out: what vitest and `node:test` pass to a case can do that. Elsewhere it passes. */
function leaveOut(context: unknown, why: string): void {
  const runner = context as { skip?(why: string): void } | undefined;
  runner?.skip?.(why);
}
