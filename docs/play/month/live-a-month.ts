import { autoApprove, JitEngine, MemoryGrantStore, patternScopes, type Grant } from 'jit-access';
import { accessReport, readJournal } from 'jit-access/journal';
import { ManualClock } from 'jit-access/testing';
import { DAY_FROM, DAY_TO, DOORS, FROM, PEOPLE, TO, workOfTheMonth, type Work } from './work.js';

export const WIDTHS = ['part', 'system', 'everything'] as const;
/** How much one request opens: the part that the work needs, the system that it belongs to, or all there is. */
export type Width = (typeof WIDTHS)[number];

export interface Month {
  /** The work and the grants of one day of it. */
  readonly day: { readonly work: readonly Work[]; readonly grants: readonly Grant[] };
  /** How often a person had to ask. */
  readonly requests: number;
  /** Of these, how often because a window had ended while the work had not. */
  readonly cutOff: number;
  /** Milliseconds of held time, times the doors that each grant opened. */
  readonly heldDoorMs: number;
  /** The same for standing access: every person, every door, the whole month. */
  readonly standingDoorMs: number;
  /** Milliseconds of work. */
  readonly workedMs: number;
}

/** How many doors a scope opens, by the matcher that the checks use. */
export const doorsOf = (scope: string): number => DOORS.filter((door) => patternScopes.covers(scope, door)).length;

export const standingDoorMs = PEOPLE.length * DOORS.length * (TO - FROM);

function widened(door: string, width: Width): string {
  const [system = '', part = ''] = door.split(':');
  return { part: `${system}:${part}:write`, system: `${system}:*:write`, everything: '*:*:write' }[width];
}

/**
 * Has an engine live through the month's work. A person who begins a piece checks; if the answer is no, the person asks, which is
 * granted at once, and when the window ends before the work they ask again. No access is released early.
 *
 * @param ttlMs the window that is asked for each time
 */
export async function liveAMonth(ttlMs: number, width: Width): Promise<Month> {
  const clock = new ManualClock(FROM);
  const store = new MemoryGrantStore();
  const engine = new JitEngine({
    clock,
    store,
    scopes: patternScopes,
    approver: autoApprove(() => true, { patterns: true }),
    limits: { maxTtl: '8h' },
  });
  const work = workOfTheMonth();
  const due = work.map((piece) => ({ at: piece.from, piece }));
  let requests = 0;
  let cutOff = 0;
  for (let next = due.shift(); next !== undefined; next = due.shift()) {
    const { at, piece } = next;
    await clock.set(at);
    let { allowed, validUntil } = await engine.check(piece.person, piece.door);
    if (!allowed) {
      requests++;
      if (at > piece.from) cutOff++;
      await engine.requestAccess({ subject: piece.person, scope: widened(piece.door, width), ttl: ttlMs });
      ({ allowed, validUntil } = await engine.check(piece.person, piece.door));
    }
    if (!allowed || validUntil === undefined) throw new Error('the engine refused access in a month without refusals');
    if (validUntil < piece.until) insert(due, { at: validUntil, piece });
  }
  await clock.set(TO);
  const { scopes } = await accessReport(readJournal(store), { from: FROM, to: TO });
  const { items: grants } = await engine.listGrants({ limit: 1_000, during: { from: DAY_FROM, to: DAY_TO } });
  return {
    day: { work: work.filter(({ from }) => from >= DAY_FROM && from < DAY_TO), grants },
    requests,
    cutOff,
    heldDoorMs: scopes.reduce((sum, { scope, heldMs }) => sum + heldMs * doorsOf(scope), 0),
    standingDoorMs,
    workedMs: work.reduce((sum, { from, until }) => sum + until - from, 0),
  };
}

/** Keeps the order of time; of one instant, what was there before comes first. */
function insert<T extends { readonly at: number }>(due: T[], one: T): void {
  const behind = due.findIndex(({ at }) => at > one.at);
  due.splice(behind < 0 ? due.length : behind, 0, one);
}
