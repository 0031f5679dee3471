import { isJitError, type Anchor, type GrantStore } from 'jit-access';
import type { Change, Row } from 'jit-access/store';
import { anEntry, aRow } from 'jit-access/testing';
import { Seeded } from './seeded.js';

export const PROCESSES = 4;
/** All processes write to these namespaces. */
const HOT = 4;
/** Of these, only one process writes to the first, and mostly one to the second. */
const OWN = 2;
export const NAMESPACES = HOT + OWN * PROCESSES;
export const COUNTERS = 3;
/** How many changes a process makes at a time. More than its connections, so that some wait for one. */
const CALLERS = 8;
const MAX_PAUSE_MS = 8;

/**
 * How a change ended. The last three were rejected, and nothing was applied: the change is malformed, the database refuses
 * its data, or the store was unreachable.
 */
type Ending = 'committed' | 'conflict' | 'behind' | 'malformed' | 'refused' | 'unreachable';

/** What a caller knows about one change. */
export interface Report {
  /** The index of its namespace. */
  readonly place: number;
  readonly entries: readonly string[];
  readonly ending: Ending;
  /** The head that the store answered. */
  readonly head: Anchor | undefined;
  /** Set if a sound store does not end this change in this way. */
  readonly wrong: string | undefined;
}

export interface CountOptions {
  /** The root: the namespaces share its connections. */
  readonly store: GrantStore;
  readonly namespaces: readonly string[];
  /** Which of the processes this is. */
  readonly process: number;
  readonly seed: number;
  /** Unique among the processes of these namespaces. */
  readonly name: string;
  /** Whether the database itself checks the columns of a row. */
  readonly checksRows: boolean;
  readonly onReport: (report: Report) => void;
  readonly signal: AbortSignal;
}

/** Changes counters of all namespaces, several at a time, until the signal. A change whose outcome is unknown is committed again. */
export async function count(options: CountOptions): Promise<void> {
  const caller = new Caller(options);
  const run = async (lane: number): Promise<void> => {
    const chance = new Seeded(options.seed, lane);
    for (let n = 0; !options.signal.aborted; n++) {
      await caller.changeOne(`${options.name}-${lane}-${n}`, chance);
      if (chance.below(3) === 0) await pause(chance.below(MAX_PAUSE_MS));
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, lane) => run(lane)));
}

interface Ended {
  readonly ending: Ending;
  readonly head: Anchor | undefined;
}

class Caller {
  readonly #options: CountOptions;
  readonly #stores: readonly GrantStore[];
  /** The newest head that each namespace has answered. */
  readonly #heads: (Anchor | undefined)[] = [];
  readonly #notes: number[] = [];

  constructor(options: CountOptions) {
    this.#options = options;
    this.#stores = options.namespaces.map((namespace) => options.store.in(namespace));
  }

  async changeOne(id: string, chance: Seeded): Promise<void> {
    const place = this.#pickPlace(chance);
    const which = chance.below(COUNTERS);
    switch (chance.below(20)) {
      case 0:
      case 1:
        return this.#commit(place, await this.#addition(place, id, [which, (which + 1) % COUNTERS]), ['committed', 'conflict']);
      case 2:
      case 3:
        return this.#commitLaterAgain(place, await this.#addition(place, id, [which]));
      case 4:
        return this.#commitTwice(place, await this.#addition(place, id, [which]));
      case 5:
        return this.#commitInTwo(place, this.#pickPlace(chance), id, which);
      case 6:
      case 7:
        return this.#commitNote(place);
      case 8:
      case 9:
        return this.#commit(place, { ...(await this.#addition(place, id, [which])), knows: this.#heads[place] }, ['committed', 'conflict']);
      case 10: {
        const head = this.#heads[place];
        if (head === undefined || head.seq === 0) return undefined;
        const forked = { seq: head.seq, hash: 'f'.repeat(64) };
        return this.#commit(place, { ...(await this.#addition(place, id, [which])), knows: forked }, ['behind']);
      }
      case 11: {
        const { expect, ...change } = await this.#addition(place, id, [which]);
        return this.#commit(place, { ...change, expect: expect.map((key) => ({ ...key, version: key.version + 1_000_000 })) }, [
          'conflict',
        ]);
      }
      case 12: {
        const change = await this.#addition(place, id, [which]);
        const append = change.append.map((entry) => ({ ...entry, digest: 'none' }));
        // Both endings are right where another process has changed the counter.
        return this.#commit(place, { ...change, append }, ['malformed', 'conflict']);
      }
      case 13: {
        // A namespace whose data were refused takes other transactions for some time, so one is spared.
        if (!this.#options.checksRows || isOfOne(place)) return undefined;
        const change = await this.#addition(place, id, [which]);
        // Later than the last instant of a `Date`.
        const put = change.put.map((row) => ({ ...row, until: 8.64e15 + 1 }));
        return this.#commit(place, { ...change, put }, ['refused', 'conflict']);
      }
      default:
        return this.#commit(place, await this.#addition(place, id, [which]), ['committed', 'conflict']);
    }
  }

  #pickPlace(chance: Seeded): number {
    const share = chance.below(20);
    if (share < 11) return chance.below(HOT);
    if (share < 18) return HOT + OWN * this.#options.process + chance.below(OWN);
    const any = chance.below(NAMESPACES);
    return isOfOne(any) && any !== HOT + OWN * this.#options.process ? any + 1 : any;
  }

  async #commit(place: number, change: Change, right: readonly Ending[]): Promise<void> {
    const ended = await this.#untilKnown(place, change);
    if (ended !== undefined) this.#report(place, change, ended, right);
  }

  /** The second commit of a change that was committed changes nothing. */
  async #commitLaterAgain(place: number, change: Change): Promise<void> {
    const first = await this.#untilKnown(place, change);
    if (first === undefined) return;
    this.#report(place, change, first, ['committed', 'conflict']);
    if (first.ending !== 'committed') return;
    const second = await this.#untilKnown(place, change);
    if (second !== undefined && second.ending !== 'unreachable') this.#report(place, change, second, ['committed']);
  }

  /** Two calls with one change, at once: versions only grow, so both are committed or both conflict. */
  async #commitTwice(place: number, change: Change): Promise<void> {
    const both = await Promise.all([this.#untilKnown(place, change), this.#untilKnown(place, change)]);
    const known = both.filter((one) => one !== undefined && one.ending !== 'unreachable') as readonly Ended[];
    const [first] = known;
    for (const one of known) this.#report(place, change, one, first?.ending === 'committed' ? ['committed'] : ['conflict']);
  }

  /** A change is identified by its id and its namespace: the same id in two namespaces means two changes. */
  async #commitInTwo(place: number, other: number, id: string, which: number): Promise<void> {
    const places = [...new Set([place, other])];
    const changes = await Promise.all(places.map((at) => this.#addition(at, id, [which])));
    await Promise.all(changes.map((change, i) => this.#commit(places[i] ?? 0, change, ['committed', 'conflict'])));
  }

  /** A change that expects no version. All processes commit the same notes, so each commit but the first is a repeat. */
  async #commitNote(place: number): Promise<void> {
    const { namespace } = this.#store(place);
    const n = (this.#notes[place] = (this.#notes[place] ?? 0) + 1);
    const id = `note-${n}`;
    const change = { id, expect: [], put: [], append: [anEntry({ namespace, id: `${id}.0`, data: { namespace, entries: 1 } })] };
    const ended = await this.#untilKnown(place, change);
    // Another process may have committed it.
    if (ended !== undefined && ended.ending !== 'unreachable') this.#report(place, change, ended, ['committed']);
  }

  #report(place: number, change: Change, { ending, head }: Ended, right: readonly Ending[]): void {
    const isRight = ending === 'unreachable' || right.includes(ending);
    const wrong = isRight ? undefined : `${change.id} in namespace ${place} was ${ending}, not ${right.join(' or ')}`;
    this.#options.onReport({ place, entries: change.append.map(({ id }) => id), ending, head, wrong });
  }

  /** Adds one to each of these counters. */
  async #addition(place: number, id: string, counters: readonly number[]): Promise<Change> {
    const store = this.#store(place);
    const { namespace } = store;
    const keys = counters.map((counter) => ({ kind: 'counter', id: `c${counter}` }));
    const rows = await untilRead(() => store.get(keys));
    return {
      id,
      expect: keys.map((key, i) => ({ ...key, version: rows[i]?.version ?? 0 })),
      put: keys.map((key, i) => counterRow(namespace, key.id, rows[i])),
      append: counters.map((counter, i) =>
        anEntry({ namespace, id: `${id}.${i}`, data: { namespace, counter, entries: counters.length } }),
      ),
    };
  }

  /** Commits until the store says how the change ended. @returns undefined if the run ended before */
  async #untilKnown(place: number, change: Change): Promise<Ended | undefined> {
    let isUnknown = false;
    for (;;) {
      try {
        const { outcome, head } = await this.#store(place).commit(change);
        this.#heads[place] = head;
        return { ending: outcome, head };
      } catch (error) {
        const ending = endingOf(error);
        // An earlier attempt may have been applied, and this one says nothing about it.
        isUnknown ||= ending === undefined;
        if (ending !== undefined && !(isUnknown && ending === 'unreachable')) return { ending, head: undefined };
        if (this.#options.signal.aborted) return undefined;
        await pause(1);
      }
    }
  }

  #store(place: number): GrantStore {
    return this.#stores[place] as GrantStore;
  }
}

/** Whether only one process writes to this namespace. */
const isOfOne = (place: number): boolean => place >= HOT && (place - HOT) % OWN === 0;

function counterRow(namespace: string, id: string, before: Row | undefined): Row {
  const count = Number(before?.body['count'] ?? 0) + 1;
  return aRow({ kind: 'counter', id, version: (before?.version ?? 0) + 1, open: false, body: { namespace, count } });
}

/** @returns undefined if the change may have been applied. @throws any error that a commit must not reject with */
function endingOf(error: unknown): Ending | undefined {
  if (!isJitError(error)) throw error;
  switch (error.code) {
    case 'ERR_JIT_OUTCOME_UNKNOWN':
      return undefined;
    case 'ERR_JIT_INVALID_ARGUMENT':
      return 'malformed';
    case 'ERR_JIT_STORE':
      return isOutage(error.cause) ? 'unreachable' : 'refused';
    default:
      throw error;
  }
}

/** The codes of a statement that would fail again, on PostgreSQL and SQLite, and those of this package. All others: an outage. */
const REFUSALS = /^(?!08|25P03|40|53|55|57|58)\d[0-9A-Z]{4}$|^SQLITE_CONSTRAINT|^ERR_JIT_/;

const isOutage = (cause: unknown): boolean => !REFUSALS.test(String((cause as { code?: unknown } | undefined)?.code));

async function untilRead<T>(read: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await read();
    } catch (error) {
      if (!isJitError(error) || error.code !== 'ERR_JIT_STORE') throw error;
      await pause(1);
    }
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
