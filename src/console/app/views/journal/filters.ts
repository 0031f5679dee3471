import type { AuditEntry } from '../../../../index.js';
import { saidBy } from './says.js';

/** What the address selects. */
export interface Filters {
  readonly person: string | undefined;
  readonly type: TypeName | undefined;
  /** A day of the viewer's zone, as `2026-11-30`, and its span `[from, to)` in epoch milliseconds. */
  readonly day: { readonly text: string; readonly from: number; readonly to: number } | undefined;
}

/** The choices of a type, by group. Each type that this version knows is in one. */
export const TYPES = {
  requests: {
    asked: ['request.created', 'request.reused'],
    reviewed: [
      ...['request.assigned', 'request.reviewed', 'request.stepped', 'request.escalated'],
      ...['request.reminded', 'request.commented'],
    ],
    approved: ['request.approved'],
    denied: ['request.denied'],
    closed: ['request.cancelled', 'request.expired'],
  },
  access: {
    granted: ['grant.issued', 'grant.activated', 'grant.extended'],
    used: ['grant.used', 'grant.seen', 'usage.closed'],
    ended: ['grant.warned', 'grant.expired', 'grant.revoked'],
    emergency: ['breakGlass.overdue', 'breakGlass.reviewed'],
    locks: ['lock.set', 'lock.completed', 'lock.lifted', 'lock.expired'],
  },
  others: {
    external: [
      ...['provisioning.intended', 'provisioning.failed', 'provisioning.done'],
      ...['provisioning.stuck', 'provisioning.retried', 'provisioning.dismissed'],
    ],
    refused: ['attempt.refused'],
    upkeep: ['journal.purged', 'journal.accepted', 'clock.accepted'],
  },
} as const satisfies Record<string, Record<string, readonly string[]>>;

export type GroupName = keyof typeof TYPES;
export type TypeName = { [G in GroupName]: keyof (typeof TYPES)[G] }[GroupName];

const TYPES_OF = new Map<string, readonly string[]>(Object.values(TYPES).flatMap((group) => Object.entries(group)));

/** A day of an address, in the viewer's zone. `undefined`: the text is not a day. */
export function dayIn(text: string | null): Filters['day'] {
  const [, year, month, day] = (/^(\d{4})-(\d\d)-(\d\d)$/.exec(text ?? '') ?? []).map(Number);
  if (text === null || year === undefined || month === undefined || day === undefined) return undefined;
  const from = new Date(year, month - 1, day);
  if (from.getMonth() !== month - 1 || from.getDate() !== day) return undefined;
  return { text, from: from.getTime(), to: new Date(year, month - 1, day + 1).getTime() };
}

export function filtersIn(query: URLSearchParams): Filters {
  const type = query.get('type') ?? '';
  return {
    person: query.get('person') || undefined,
    type: TYPES_OF.has(type) ? (type as TypeName) : undefined,
    day: dayIn(query.get('day')),
  };
}

export const isFiltered = ({ person, type, day }: Filters): boolean => person !== undefined || type !== undefined || day !== undefined;

/** By how much the clocks of two processes may differ, so that a later entry has an earlier instant. Milliseconds. */
const SKEW_MS = 3_600_000;

/**
 * Finds the entries that filters select, while the journal is read from its end. An entry of a review or a decision does not name the
 * person whom the request is for: it waits until an older entry of that request is read.
 */
export class Finder {
  readonly #filters: Filters;
  #found: readonly AuditEntry[] = [];
  /** By request: the entries that wait. */
  readonly #waiting = new Map<string, AuditEntry[]>();
  /** The requests that are for the person. */
  readonly #own = new Set<string>();
  #read = 0;
  #isPast = false;

  constructor(filters: Filters) {
    this.#filters = filters;
  }

  /** The newest first. */
  get found(): readonly AuditEntry[] {
    return this.#found;
  }

  /** How many entries were read. */
  get read(): number {
    return this.#read;
  }

  /** Whether each entry that was read is judged. */
  get isSettled(): boolean {
    return this.#waiting.size === 0;
  }

  /** Whether no older entry can fit. */
  get isDone(): boolean {
    return this.#isPast && this.isSettled;
  }

  /** @param entries the newest first, and older than all before */
  take(entries: readonly AuditEntry[]): void {
    const { day } = this.#filters;
    const found = entries.flatMap((entry) => this.#judge(entry));
    this.#read += entries.length;
    this.#found = [...this.#found, ...found].sort((a, b) => b.seq - a.seq);
    if (day !== undefined && entries.some(({ at }) => at < day.from - SKEW_MS)) this.#isPast = true;
  }

  /** The entries that are now known to fit. */
  #judge(entry: AuditEntry): readonly AuditEntry[] {
    const { person, type, day } = this.#filters;
    const { requestId = '' } = entry;
    const fits =
      (type === undefined || TYPES_OF.get(type)?.includes(entry.type) === true) &&
      (day === undefined || (day.from <= entry.at && entry.at < day.to));
    if (person === undefined) return fits ? [entry] : [];
    const { people, isFor } = peopleOf(entry);
    if (isFor === undefined) {
      if (fits && (people.includes(person) || this.#own.has(requestId))) return [entry];
      if (fits && requestId !== '') this.#waiting.set(requestId, [...(this.#waiting.get(requestId) ?? []), entry]);
      return [];
    }
    const waited = this.#waiting.get(requestId) ?? [];
    this.#waiting.delete(requestId);
    if (isFor === person) this.#own.add(requestId);
    return [...(isFor === person ? waited : []), ...(fits && people.includes(person) ? [entry] : [])];
  }
}

/** The people whom an entry names, and whom its request is for. `isFor` is `undefined`: the entry does not say. */
export function peopleOf(entry: Pick<AuditEntry, 'type' | 'actor' | 'data'>): {
  readonly people: readonly string[];
  readonly isFor: string | undefined;
} {
  const { actor, subject, target } = saidBy(entry);
  const { requestedBy, operator } = (entry.data ?? {}) as Readonly<Record<string, unknown>>;
  const named = [actor, subject, target, requestedBy, operator];
  return { people: named.filter((one): one is string => typeof one === 'string'), isFor: subject };
}

/** An entry, and those that the approver wrote in the same change. */
export interface Folded {
  readonly entry: AuditEntry;
  /** The oldest first. */
  readonly more: readonly AuditEntry[];
}

/** The actor of what rules decide. */
export const APPROVER = 'system:approver';

/** An entry has the id of its change, a dot and its place in it. */
const changeOf = ({ id }: AuditEntry): string => id.slice(0, id.lastIndexOf('.'));

/** Folds what the approver wrote into the entry that it follows in the same change. @param entries the newest first */
export function folded(entries: readonly AuditEntry[]): readonly Folded[] {
  const rows: Folded[] = [];
  let more: AuditEntry[] = [];
  for (const entry of entries) {
    const [next] = more;
    if (next !== undefined && (next.seq !== entry.seq + 1 || changeOf(next) !== changeOf(entry))) {
      rows.push(...alone(more));
      more = [];
    }
    if (entry.actor === APPROVER) more = [entry, ...more];
    else {
      rows.push({ entry, more });
      more = [];
    }
  }
  return [...rows, ...alone(more)];
}

const alone = (entries: readonly AuditEntry[]): readonly Folded[] => [...entries].reverse().map((entry) => ({ entry, more: [] }));
