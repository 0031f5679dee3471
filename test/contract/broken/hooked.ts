import { MemoryGrantStore } from '../../../src/stores/memory.js';
import { HookError } from '../../../src/core/errors.js';
import type { FailedHook } from '../../../src/core/hook-port.js';
import type { Change, GrantStore } from '../../../src/core/store-port.js';
import { link } from '../../../src/journal/link.js';
import type { StoreContractOptions } from 'jit-access/testing';
import type { Broken } from './bent-store.js';

type Hook = Parameters<Required<StoreContractOptions>['createHooked']>[0];

/** What is wrong with the hooks of a store. */
interface Bug {
  readonly callsRepeats?: boolean;
  readonly omits?: 'seq' | 'last entry';
  readonly refusesAll?: boolean;
  readonly refusesNone?: boolean;
  readonly forgets?: boolean;
  readonly keepsList?: boolean;
  readonly stopsAtFirst?: boolean;
  readonly dismissCalls?: boolean;
}

const CREATES = new Set(['request.created', 'grant.issued']);

/** A store in memory that calls a hook. It is right for one caller at a time, apart from its bug. */
function hookedMemory(hook: Hook, bug: Bug = {}): GrantStore {
  const inner = new MemoryGrantStore();
  const apply = inner.commit.bind(inner);
  const failed: FailedHook[] = [];
  const applied = new Set<string>();
  const callOf = async (id: string) => {
    const { entries } = await inner.journal({ after: 0, limit: 1_000 });
    await hook({ id, entries: entries.filter((entry) => entry.id.startsWith(`${id}.`)) });
  };
  const drop = (changeId: string): boolean => {
    const i = failed.findIndex((one) => one.changeId === changeId);
    if (i >= 0 && bug.keepsList !== true) failed.splice(i, 1);
    return i >= 0;
  };
  const retryOne = async (changeId: string): Promise<number> => {
    if (!failed.some((one) => one.changeId === changeId)) return 0;
    await callOf(changeId).catch((error: unknown) => {
      throw new HookError(changeId, error);
    });
    drop(changeId);
    return 1;
  };
  const hooks: Required<GrantStore>['hooks'] = {
    failed: async ({ after, limit }) => failed.filter(({ seq }) => seq > after).slice(0, limit),
    async retry(changeId) {
      if (changeId !== undefined) return retryOne(changeId);
      let called = 0;
      for (const one of [...failed]) {
        try {
          called += await retryOne(one.changeId);
        } catch {
          if (bug.stopsAtFirst === true) break;
        }
      }
      return called;
    },
    async dismiss(changeId) {
      if (bug.dismissCalls === true) await callOf(changeId);
      return drop(changeId);
    },
  };
  const commit = async (change: Change) => {
    const { id, append } = change;
    const { head } = await inner.journal({ after: 0, limit: 1 });
    const rows = await inner.get(change.expect);
    const isRefused = rows.some((row, i) => (row?.version ?? 0) !== change.expect[i]?.version);
    const isCalled = append.length > 0 && (bug.callsRepeats === true || (!applied.has(id) && !isRefused));
    let fails: { readonly cause: unknown } | undefined;
    if (isCalled) {
      const linked = link(head, append);
      const entries = bug.omits === 'seq' ? append : bug.omits === 'last entry' ? linked.slice(0, -1) : linked;
      await hook({ id, entries: entries as typeof linked }).catch((cause: unknown) => (fails = { cause }));
    }
    const mayRefuse = bug.refusesAll === true || (bug.refusesNone !== true && append.some(({ type }) => CREATES.has(type)));
    if (fails !== undefined && mayRefuse) throw new HookError(id, fails.cause);
    const answer = await apply(change);
    if (append.length > 0) applied.add(id);
    if (fails !== undefined && bug.forgets !== true) failed.push({ changeId: id, seq: head.seq + 1 });
    return answer;
  };
  return Object.assign(inner, { hooks, commit });
}

const broken = (bug: string, foundBy: string, has: Bug): Broken => ({
  bug,
  foundBy,
  options: { name: bug, create: () => new MemoryGrantStore(), createHooked: (hook) => hookedMemory(hook, has) },
});

const [ENTRIES, REFUSES, AGAIN, DISMISSED] = [
  'gives the hook the entries as the journal holds them',
  'applies no part of a change that opens a request or issues a grant',
  'commits any other change although the hook fails',
  'forgets a change that is dismissed',
];

/** Guarantee 1 broken for a hook. */
export const HOOKED = [
  broken('the hook is called again for a change that was applied', ENTRIES, { callsRepeats: true }),
  broken('the hook receives entries without their seq', ENTRIES, { omits: 'seq' }),
  broken('the hook does not receive the last entry', ENTRIES, { omits: 'last entry' }),
  broken('a hook that fails refuses nothing', REFUSES, { refusesNone: true }),
  broken('a hook that fails refuses a revoke', AGAIN, { refusesAll: true }),
  broken('a change that was committed without the hook is forgotten', AGAIN, { forgets: true }),
  broken('a hook that has succeeded is called again', AGAIN, { keepsList: true }),
  broken('a hook that fails again hides those after it', AGAIN, { stopsAtFirst: true }),
  broken('dismiss() calls the hook', DISMISSED, { dismissCalls: true }),
];
