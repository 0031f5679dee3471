import type { StoreHooks } from '../../core/hook-port.js';
import type { GrantStore } from '../../core/store-port.js';
import type { AuditEntry, EntryType } from '../../records/index.js';
import { aChange, aRow } from '../builders.js';
import { holds, rejects, same } from '../assertions.js';
import type { Cases } from './cases.js';
import { changeOf, commit, conflict, entryFor, journalIds } from './steps.js';

/** A store whose hook fails while it should, and the changes for which it was called. */
interface Hooked {
  readonly store: GrantStore;
  readonly hooks: StoreHooks;
  readonly calls: { readonly id: string; readonly entries: readonly AuditEntry[] }[];
  readonly fail: { while: (changeId: string) => boolean };
}

/** Guarantee 1 for code of the store's user that runs in a commit: its effects belong to the change. */
export const hooked: Cases = (it, { withHook }) => {
  const hookedIt = casesWithHook(it, withHook);

  hookedIt('gives the hook the entries as the journal holds them, once for each change that is applied', async ({ store, calls }) => {
    const change = changeOf(store, 'c1', [aRow({ id: 'x' })], { append: [entryFor(store, 'c1.1'), entryFor(store, 'c1.2')] });
    for (let time = 0; time < 3; time++) await commit(store, change);
    await conflict(store, changeOf(store, 'c2', [aRow({ id: 'x' })]), 'its row exists');
    await commit(store, aChange({ id: 'no entry', put: [aRow({ id: 'y' })], append: [] }));
    const { entries } = await store.journal({ after: 0, limit: 10 });
    same(calls, [{ id: 'c1', entries }], 'what the hook has received');
  });

  hookedIt('applies no part of a change that opens a request or issues a grant, if the hook fails', async ({ store, hooks, fail }) => {
    fail.while = () => true;
    for (const type of ['request.created', 'grant.issued'] as const) {
      const what = `commit of ${type}, which the hook refuses`;
      const error = (await rejects(() => store.commit(ofType(store, `c-${type}`, type)), what)) as { readonly code?: unknown };
      same(error.code, 'ERR_JIT_HOOK', `the code with which the commit rejects`);
    }
    same(await journalIds(store), [], 'the entries of the journal');
    same(await hooks.failed({ after: 0, limit: 10 }), [], 'the changes for which the hook must be called');
  });

  hookedIt(
    'commits any other change although the hook fails, and calls it again until it succeeds',
    async ({ store, hooks, calls, fail }) => {
      fail.while = () => true;
      for (const [i, type] of (['grant.revoked', 'grant.expired', 'request.denied'] as const).entries()) {
        await commit(store, ofType(store, `c${i}`, type));
      }
      const listed = [0, 1, 2].map((i) => ({ changeId: `c${i}`, seq: i + 1 }));
      same(await hooks.failed({ after: 0, limit: 10 }), listed, 'the changes for which the hook must be called');
      same(await hooks.failed({ after: 1, limit: 1 }), [listed[1]], 'one of them, after entry 1');
      same(await hooks.retry(), 0, 'the hooks that succeed while all fail');
      // One that fails again does not hide those after it.
      fail.while = (id) => id === 'c0';
      same(await hooks.retry(), 2, 'the hooks that succeed while one fails');
      const error = (await rejects(() => hooks.retry('c0'), 'retry() of the hook that fails')) as { readonly code?: unknown };
      same(error.code, 'ERR_JIT_HOOK', 'the code with which retry() rejects');
      fail.while = () => false;
      same([await hooks.retry('c0'), await hooks.retry('c0'), await hooks.retry()], [1, 0, 0], 'the hooks that succeed afterwards');
      const { entries } = await store.journal({ after: 0, limit: 10 });
      const expected = [1, 2, 0].map((i) => ({ id: `c${i}`, entries: [entries[i]] }));
      same(calls, expected, 'what the hook has received');
      same(await hooks.failed({ after: 0, limit: 10 }), [], 'the changes for which the hook must be called');
    },
  );

  hookedIt('forgets a change that is dismissed, without a call', async ({ store, hooks, calls, fail }) => {
    fail.while = () => true;
    await commit(store, ofType(store, 'c1', 'grant.revoked'));
    fail.while = () => false;
    same([await hooks.dismiss('c1'), await hooks.dismiss('c1')], [true, false], 'the answers of dismiss()');
    same([await hooks.retry(), calls], [0, []], 'the calls of the hook');
  });
};

/** Defines cases of a store with a hook; without one the suite skips them. */
function casesWithHook(it: Parameters<Cases>[0], withHook: Parameters<Cases>[1]['withHook']) {
  return (name: string, body: (hooked: Hooked) => Promise<void>): void => {
    it(name, async (_, leaveOut) => {
      if (withHook === undefined) {
        leaveOut('the options have no createHooked()');
        return;
      }
      const calls: Hooked['calls'] = [];
      const fail: Hooked['fail'] = { while: () => false };
      const hook = async (change: Hooked['calls'][number]) => {
        if (fail.while(change.id)) throw new Error('the hook fails');
        calls.push(change);
      };
      await withHook(hook, async (store) => {
        const { hooks } = store;
        holds(hooks !== undefined, 'a store with a hook has hooks');
        await body({ store, hooks, calls, fail });
      });
    });
  };
}

const ofType = (store: GrantStore, id: string, type: EntryType) =>
  changeOf(store, id, [], { append: [entryFor(store, `${id}.1`, { type })] });
