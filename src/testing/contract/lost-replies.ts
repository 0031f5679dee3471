import { isJitError } from '../../core/errors.js';
import { holds, same, text } from '../assertions.js';
import { aRow } from '../builders.js';
import type { Cases } from './cases.js';
import { changeOf, commit, given, isKept, journalIds, next } from './steps.js';

/** The errors after which the engine reports that nothing was applied: after two in a row it does not look again. */
const NOT_APPLIED: readonly string[] = ['ERR_JIT_STORE', 'ERR_JIT_LAYOUT', 'ERR_JIT_MOVED', 'ERR_JIT_HOOK'];

/** Guarantee 9 for a commit that the backend has applied: an error that denies it would be reported as the outcome of a revoke. */
export const lostReplies: Cases = (it, { loseReply }) => {
  it('leaves the outcome of a commit open whose reply was lost, and then answers committed', async (store, leaveOut) => {
    if (loseReply === undefined) {
      leaveOut('the suite was given no loseReply');
      return;
    }
    const row = aRow({ id: 'x' });
    // The first commit to a namespace, or over a connection, may be made in several steps.
    await given(store, [row]);
    const change = changeOf(store, 'lost', [next(row)]);
    const repair = await loseReply(store);
    let failure: unknown;
    try {
      // A store may also ask again by itself.
      await commit(store, change).catch((error: unknown) => (failure = error));
    } finally {
      await repair();
    }
    if (failure !== undefined) {
      const wasApplied = (await journalIds(store)).length === 2;
      if (!wasApplied) throw new Error('loseReply() must let the backend apply the commit, and lose only its reply');
      holds(
        !(isJitError(failure) && NOT_APPLIED.includes(failure.code)),
        `commit() whose reply was lost: expected an OutcomeUnknownError, got ${text(failure)}, which says that nothing was applied`,
      );
    }
    await commit(store, change);
    await isKept(store, row, next(row));
    same((await journalIds(store)).length, 2, 'the number of entries after the change was committed again');
  });
};
