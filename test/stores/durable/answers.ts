import { isJitError, type AuditEntry, type Clock, type Grant, type GrantEnd, type JitEngine, type Lock } from 'jit-access';
import type { LiveView } from 'jit-access/view';
import { machineTime } from './jumping-clock.js';
import type { Acknowledged } from './workers.js';

/** A subject and a scope that were asked about. */
export interface Pair {
  readonly subject: string;
  readonly scope: string;
}

/** An answer of a check, or of a view. */
export interface Seen extends Pair {
  readonly by: 'check' | 'view';
  /** The number of the process that answered. 0: the one that watches. */
  readonly process: number;
  /** By `machineTime`: before it was asked, and after it answered. */
  readonly began: number;
  readonly ended: number;
  /** The readings of its clock before it was asked, and after it answered. */
  readonly from: number;
  readonly to: number;
  readonly allowed: boolean;
  readonly reason: string;
  /** `undefined`: no grant was named. */
  readonly grantId: string | undefined;
}

/** Asks each of the views, and the engine beside them. An outage gives no answer. The check records that it used the grant. */
export async function lookAt(
  { subject, scope }: Pair,
  clock: Clock,
  engine: JitEngine,
  views: readonly LiveView[],
): Promise<readonly Seen[]> {
  const seen: Seen[] = [];
  const asking = (by: Seen['by']) => {
    const [began, from] = [machineTime(), clock.now()];
    return ({ allowed, reason, grantId }: Pick<Seen, 'allowed' | 'reason' | 'grantId'>) =>
      seen.push({ by, process: 0, subject, scope, began, from, ended: machineTime(), to: clock.now(), allowed, reason, grantId });
  };
  for (const view of views) asking('view')(view.check(subject, scope));
  const answered = asking('check');
  try {
    const decision = await engine.check(subject, scope, { recordUse: true, touch: 'wait' });
    answered({ ...decision, grantId: decision.grant?.id });
  } catch (error) {
    if (!isJitError(error) || error.code !== 'ERR_JIT_STORE') throw error;
  }
  return seen;
}

/** A state of all locks, from the entry of this number on. */
interface LocksFrom {
  readonly seq: number;
  readonly locks: readonly Lock[];
}

interface Issued {
  readonly id: string;
  readonly grant: Grant;
  readonly from: number;
  /** The number of the entry of its end. `Infinity`: it has none. */
  until: number;
}

/**
 * Judges answers by the journal alone. What was acknowledged before a question is known to a check, and what was first asked after its
 * answer is not. Between these two the journal must have a state that gives the answer:
 *
 * - A yes names a grant that is issued and has no end, in its window, and no lock is on the pair (L1, L2, L12, L18).
 * - A no is wrong if in each of these states a grant allows that only time decides.
 *
 * A view may answer as before by up to `maxStaleMs`. Its no is not judged. An end by its own process holds in it at once (L45).
 */
export class JournalOfAnswers {
  readonly #pairs = new Map<string, Issued[]>();
  readonly #grants = new Map<string, Issued>();
  readonly #locks: LocksFrom[] = [{ seq: 0, locks: [] }];
  /** By time: every entry up to this number was committed by then. */
  readonly #known: Bound[];
  /** By time: every entry from this number on was committed later. */
  readonly #later: Bound[];
  /** The ends that a process was acknowledged, by process and grant: when. */
  readonly #ownEnds = new Map<string, number>();
  readonly #maxStaleUs: number;

  constructor(entries: readonly AuditEntry[], acknowledged: readonly (Acknowledged & { readonly process: number })[], maxStaleMs: number) {
    this.#maxStaleUs = maxStaleMs * 1_000;
    const seqs = new Map<string, number>();
    const revoked = new Set<string>();
    for (const entry of entries) {
      const { seq, type, data } = entry;
      if (OWN_ENDS.has((data as { readonly end?: GrantEnd }).end?.cause)) revoked.add(entry.grantId ?? '');
      for (const fact of factsIn(entry)) if (!seqs.has(fact)) seqs.set(fact, seq);
      this.#take(entry);
      if (type.startsWith('lock.')) this.#locks.push({ seq, locks: (data as unknown as { readonly locks: readonly Lock[] }).locks });
    }
    const known: Bound[] = [];
    const later: Bound[] = [];
    for (const { ack, began, at, process } of acknowledged) {
      for (const [type, id] of ack) {
        if (type === 'grant.revoked' && revoked.has(id)) this.#ownEnds.set(`${process} ${id}`, at);
        const seq = seqs.get(`${type} ${id}`);
        if (seq === undefined) continue;
        known.push({ time: at, seq });
        // No other call makes these entries.
        if (type === 'request.created' || type === 'request.commented') later.push({ time: began, seq });
      }
    }
    this.#known = highest(known);
    this.#later = lowest(later);
  }

  /** @returns what is wrong with the answer; `undefined`: nothing */
  wrongIn(seen: Seen): string | undefined {
    const { by, process, began, ended, allowed, reason, grantId } = seen;
    const isView = by === 'view';
    const least = lastBefore(this.#known, began - (isView ? this.#maxStaleUs : 0))?.seq ?? 0;
    const most = (firstAfter(this.#later, ended)?.seq ?? Infinity) - 1;
    const states = this.#statesBetween(seen, least, most);
    const told = `process ${process}: the ${by} of ${seen.subject} for ${seen.scope} says ${reason} by ${grantId}`;
    const issued = this.#pairs.get(pairOf(seen)) ?? [];
    if (allowed) {
      const named = grantId === undefined ? issued : issued.filter(({ id }) => id === grantId);
      if (!states.some((seq) => named.some((one) => this.#mayAllow(one, seq, seen))))
        return `${told}, which no state of entries ${least} to ${most} gives`;
      const endedAt = isView && grantId !== undefined ? this.#ownEnds.get(`${process} ${grantId}`) : undefined;
      return endedAt !== undefined && endedAt < began ? `${told}, which this process had ended` : undefined;
    }
    if (isView) return undefined;
    const mustAllow = states.every((seq) => issued.some((one) => this.#mustAllow(one, seq, seen)));
    return mustAllow ? `${told}, and every state of entries ${least} to ${most} allows` : undefined;
  }

  #take({ seq, type, grantId = '', data }: AuditEntry): void {
    if (type === 'grant.issued') {
      const one: Issued = { id: grantId, grant: data as unknown as Grant, from: seq, until: Infinity };
      this.#grants.set(grantId, one);
      const pair = pairOf(one.grant);
      this.#pairs.set(pair, [...(this.#pairs.get(pair) ?? []), one]);
    }
    const one = isEnd(type) ? this.#grants.get(grantId) : undefined;
    if (one !== undefined) one.until = Math.min(one.until, seq);
  }

  /** One entry of each state of the pair that a reader may have seen. */
  #statesBetween(pair: Pair, least: number, most: number): readonly number[] {
    const issued = this.#pairs.get(pairOf(pair)) ?? [];
    const changes = [...issued.flatMap(({ from, until }) => [from, until]), ...this.#locks.map(({ seq }) => seq)];
    return [least, ...changes.filter((seq) => seq > least && seq <= most && seq !== Infinity)];
  }

  /** Whether it allows at some instant of the question. */
  #mayAllow({ grant, from, until }: Issued, seq: number, seen: Seen): boolean {
    const { startsAt, expiresAt } = grant;
    return from <= seq && seq < until && startsAt <= seen.to && seen.from < expiresAt && !this.#isLocked(grant, seq, seen.to);
  }

  /** Whether it allows at every instant of the question. */
  #mustAllow({ grant, from, until }: Issued, seq: number, seen: Seen): boolean {
    const { startsAt, expiresAt, maxUses, idleTtlMs } = grant;
    if (maxUses !== undefined || idleTtlMs !== undefined) return false;
    return from <= seq && seq < until && startsAt <= seen.from && seen.to < expiresAt && !this.#isLocked(grant, seq, seen.from);
  }

  #isLocked({ subject, scope }: Pair, seq: number, reading: number): boolean {
    const { locks = [] } = this.#locks.findLast((state) => state.seq <= seq) ?? {};
    return locks.some(
      (one) => (one.subject === subject || one.scope === scope) && (one.completedAt === undefined || reading < (one.until ?? Infinity)),
    );
  }
}

/** Only the life that a grant belongs to ends it in this way. */
const OWN_ENDS: ReadonlySet<unknown> = new Set<GrantEnd['cause']>(['revoked', 'released']);

/** Whether an acknowledgement, or an entry, is of an end. */
export const isEnd = (type: string): boolean => /^grant\.(ended|expired|revoked)$/.test(type);

/** What may be acknowledged because of an entry: its type, and each id that it is about. */
export const factsIn = ({ type, requestId, grantId, data }: AuditEntry): readonly string[] => [
  ...[requestId, grantId, data['commentId'], data['lockId'], data['replacedBy']].map((id) => `${type} ${id as string}`),
  ...(isEnd(type) ? [`grant.ended ${grantId}`] : []),
];

const pairOf = ({ subject, scope }: Pair): string => `${subject} ${scope}`;

interface Bound {
  readonly time: number;
  readonly seq: number;
}

/** In the order of time; each with the highest number so far. */
function highest(bounds: readonly Bound[]): Bound[] {
  let seq = 0;
  return bounds.toSorted((a, b) => a.time - b.time).map((one) => ({ time: one.time, seq: (seq = Math.max(seq, one.seq)) }));
}

/** In the order of time; each with the lowest number from it on. */
function lowest(bounds: readonly Bound[]): Bound[] {
  let seq = Infinity;
  const backwards = bounds.toSorted((a, b) => b.time - a.time).map((one) => ({ time: one.time, seq: (seq = Math.min(seq, one.seq)) }));
  return backwards.reverse();
}

/** How many of these are before a time. */
function countBefore(bounds: readonly Bound[], time: number): number {
  let [low, high] = [0, bounds.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((bounds[middle] as Bound).time < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

const lastBefore = (bounds: readonly Bound[], time: number): Bound | undefined => bounds[countBefore(bounds, time) - 1];
const firstAfter = (bounds: readonly Bound[], time: number): Bound | undefined => bounds[countBefore(bounds, time + 1)];
