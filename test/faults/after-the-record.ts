import type { JitEngine } from '../../src/index.js';
import type { Change, Row } from '../../src/store.js';
import { ScriptedApprover, type Fault, type FaultyStore, type StoreMethod } from '../../src/testing.js';
import { aGranted, anEngine, aPending, HOUR, SAM } from '../engine/an-engine.js';
import { CONFLICT } from '../commit-answers.js';
import { VERBS, type Prepared } from './verbs.js';

/** One failing call of the store, counted from the call that records the request of an ask. */
export interface LaterFault {
  readonly method: Exclude<StoreMethod, 'context' | 'heads' | 'dueNamespaces' | 'adopt'>;
  readonly fault: Fault;
  /** 0: the first call of this method after the request was recorded. */
  readonly nth: number;
}

/** An ask: the verb that makes it, and whether it repeats an earlier ask. */
export interface RecordedAsk {
  readonly verb: string;
  /** The call repeats an answered one: its request is recorded from the start, and known once its key is read. */
  readonly isRepeat: boolean;
  /** The verdict of the approver, if the verb asks it. */
  readonly decides: 'review' | 'approve';
}

const KEYED = ['requestAccess with a key', 'requestAccess with a key, of an open request', 'extend with a key', 'breakGlass with a key'];

/** Every verb that records an ask, and every one that repeats an ask under its key. */
export const RECORDED_ASKS: readonly RecordedAsk[] = (['review', 'approve'] as const).flatMap((decides) => [
  ...['requestAccess', 'extend', ...KEYED.slice(0, 3)].map((verb) => ({ verb, isRepeat: false, decides })),
  ...KEYED.map((verb) => ({ verb, isRepeat: true, decides })),
]);

type Answer = { readonly request: { readonly id: string } };

/** With counted terms, the usage row is read too. */
const TERMS = { maxUses: 3 };
const REVIEW = { outcome: 'review', quorum: { groups: [{ name: 'reviewers', approvals: 1 }] }, terms: TERMS } as const;

/** The result of an ask. */
export interface Asked {
  readonly store: FaultyStore;
  readonly engine: JitEngine;
  /** The recorded request; `undefined` if none was recorded. */
  readonly recordedId: string | undefined;
  /** False: the store was not called that often. */
  readonly isHit: boolean;
  readonly answer: Answer | undefined;
  readonly error: unknown;
}

/** Makes an ask, and injects the fault at one call of the store after its request was recorded. */
export async function askWith({ verb, isRepeat, decides }: RecordedAsk, { method, fault, nth }: LaterFault): Promise<Asked> {
  const approver = new ScriptedApprover({
    decide: REVIEW,
    groupsOf: (reviewer) => (reviewer === SAM ? ['reviewers'] : []),
    breakGlass: { outcome: 'approve', reviewWithinMs: HOUR },
  });
  const made = anEngine({ approver });
  const [grant, pending] = [await aGranted(made.engine), await aPending(made.engine, { scope: 'asked' })];
  if (decides === 'approve') approver.script.decide = { outcome: 'approve', terms: TERMS };
  const call = () => VERBS[verb]?.({ ...made, grant, pending } as unknown as Prepared) as Promise<Answer>;
  const known = isRepeat ? (await call()).request.id : undefined;
  const record = watchRecord(made.store, known, () => {
    // The engine reads nothing that it has just written, so a read fails after a conflict.
    if (method !== 'commit') made.store.inject('commit', { fault: 'malformed', answer: CONFLICT }, 1);
  });
  let calls = 0;
  let isHit = false;
  const plain = made.store[method].bind(made.store) as (argument: never) => never;
  made.store[method] = (argument: never) => {
    if (record.requestId !== undefined && calls++ === nth) {
      isHit = true;
      made.store.inject(method, fault);
    }
    return plain(argument);
  };
  let answer: Answer | undefined;
  let error: unknown;
  try {
    answer = await call();
  } catch (thrown) {
    error = thrown;
  }
  made.store.clear();
  return { store: made.store, engine: made.engine, recordedId: record.requestId, isHit, answer, error };
}

/**
 * Detects when a request is recorded, or is found by its key.
 *
 * @param known the request that the key already names
 * @param onRecord called when the request is recorded
 */
function watchRecord(store: FaultyStore, known: string | undefined, onRecord: () => void): { requestId: string | undefined } {
  const record: { requestId: string | undefined } = { requestId: undefined };
  const [commit, get] = [store.commit.bind(store), store.get.bind(store)];
  store.commit = async (change: Change) => {
    const answer = await commit(change);
    if (known === undefined && record.requestId === undefined && answer.outcome === 'committed') {
      record.requestId = change.put.map(requestOf).find((id) => id !== undefined);
      if (record.requestId !== undefined) onRecord();
    }
    return answer;
  };
  store.get = async (keys) => {
    const rows = await get(keys);
    if (known !== undefined && rows.some((row) => row !== undefined && (row.id === known || requestOf(row) === known))) {
      record.requestId = known;
    }
    return rows;
  };
  return record;
}

/** The request that a new row records, or that a key names. */
function requestOf({ kind, id, version, body }: Row): string | undefined {
  if (kind === 'reuse') return body['requestId'] as string;
  return kind === 'request' && version === 1 ? id : undefined;
}
