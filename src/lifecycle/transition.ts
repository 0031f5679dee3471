import type { JsonObject } from '../model/json.js';
import type { Expectation } from '../core/store-port.js';
import {
  instantsOf,
  toJson,
  type AccessRequest,
  type Activity,
  type ProvisioningChange,
  type EntryData,
  type EntryType,
  type Grant,
  type Locks,
  type RequestComment,
  type StoredRecord,
  type Usage,
} from '../records/index.js';
import type { ClockReading } from '../core/clock.js';
import { isBase } from '../core/tolerance.js';

/** The clock reading and the actor of a transition. */
export interface Moment extends ClockReading {
  readonly actor: string;
}

/**
 * Reads the clock. Each attempt calls it once, after the last question to an approver and right before the lifecycle function. So
 * a slow approver cannot make the engine judge by an old instant.
 */
export const moment = (clock: { read(): ClockReading }, actor: string): Moment => ({ ...clock.read(), actor });

/** The engine's own actors. */
export const APPROVER = 'system:approver';
export const SWEEPER = 'system:sweeper';
export const PROVISIONING = 'system:provisioning';
export const USE = 'system:use';
export const ENGINE = 'system:engine';

/** An entry before the engine gives it an id and a digest. */
export interface EntryDraft {
  readonly type: EntryType;
  readonly at: number;
  readonly actor: string;
  readonly requestId?: string | undefined;
  readonly grantId?: string | undefined;
  readonly data: JsonObject;
}

/** The new records of a transition, each with its next version, and their entries. */
export interface Writes {
  readonly put: readonly StoredRecord[];
  /** The records of `put` that two transitions of this change write. The store has the version before the first of them. */
  readonly twice?: readonly StoredRecord[] | undefined;
  readonly entries: readonly EntryDraft[];
  /** The records that the rule has only read, and that must not have changed at the commit. */
  readonly dependsOn?: readonly Expectation[] | undefined;
  /** It creates access, so the engine's clock must not lie behind the journal when it is committed (L39). */
  readonly creates?: boolean | undefined;
}

/** The outcome of a rule. `put` and `entries` are empty if there is nothing to write. */
export interface Transition<Result> extends Writes {
  readonly result: Result;
}

export const noChange = <Result>(result: Result): Transition<Result> => ({ result, put: [], entries: [] });

/** Several transitions as one. */
export function combine<Result>(
  result: Result,
  steps: readonly Writes[],
): Transition<Result> & { readonly dependsOn: readonly Expectation[] } {
  return {
    result,
    put: steps.flatMap((step) => step.put),
    entries: steps.flatMap((step) => step.entries),
    dependsOn: steps.flatMap((step) => step.dependsOn ?? []),
    creates: steps.some((step) => step.creates === true),
  };
}

/**
 * Marks the entries that say the same about several grants of one request: the first names the scopes of the others, and these name
 * the first. So people get one notice.
 */
export function noticeTogether<Step extends Writes>(step: Step): Step {
  const grants = new Map(step.put.flatMap((record) => (record.kind === 'grant' ? [[record.id, record] as const] : [])));
  const alike = new Map<string, Grant[]>();
  const groups = step.entries.map((entry) => {
    const grant = grants.get(entry.grantId ?? '');
    if (grant === undefined || !NOTICED.has(entry.type)) return undefined;
    const { type, data } = entry;
    // If only some were extended, the others have a notice of their own: their subject loses the access.
    const isExtended = type !== 'grant.revoked' && grant.successors.length > 0;
    const what = JSON.stringify([type, grant.requestId, data['end'], data['beforeMs'], isExtended]);
    const group = alike.get(what) ?? [];
    alike.set(what, group);
    group.push(grant);
    return group;
  });
  const entries = step.entries.map((entry, i): EntryDraft => {
    const [first, ...others] = groups[i] ?? [];
    if (first === undefined || others.length === 0) return entry;
    const mark = entry.grantId === first.id ? { alsoScopes: others.map(({ scope }) => scope) } : { noticeWith: first.id };
    return { ...entry, data: { ...entry.data, ...mark } };
  });
  return { ...step, entries };
}

const NOTICED: ReadonlySet<string> = /* @__PURE__ */ new Set(['grant.warned', 'grant.expired', 'grant.revoked']);

/** The expectation that a record has not changed since it was read. Otherwise the commit conflicts. */
export const asRead = ({ kind, id, version }: StoredRecord): Expectation => ({ kind, id, version });

/** The next version of a record; 1 for a new record. */
export const nextVersion = (record?: { readonly version: number }): number => (record?.version ?? 0) + 1;

/**
 * The reading by which a transition judges the recorded instants on which it builds (L47). It is the present one, not the highest:
 * a process whose clock was ahead for one call must not stamp later records with that reading.
 */
export const writtenBy = ({ now, highWater, forEnds }: ClockReading): number => now + forEnds - highWater;

/**
 * The instant with which a transition of these records is stamped: not before any instant that they hold (L27), except one that a
 * wrong clock wrote (L47).
 */
export const stamp = (
  moment: Moment,
  ...records: readonly (AccessRequest | Grant | Usage | ProvisioningChange | Locks | Activity | RequestComment | undefined)[]
): number => {
  const by = writtenBy(moment);
  const held = records.flatMap((record) => (record === undefined ? [] : instantsOf(record)));
  return Math.max(moment.now, ...held.filter((at) => isBase(at, by)));
};

/**
 * The end to record for access that ends now: not before the entry, which replays the end, and not before the issue. If the clock
 * has stepped back, it is the highest reading, because the access was held until then.
 */
export const endedAt = ({ highWater }: Moment, stamped: number, { issuedAt }: Grant): number => Math.max(stamped, highWater, issuedAt);

/** An entry about a request or a grant. `fields` are all fields that the transition wrote, apart from the version. */
export function entryOf<Type extends EntryType>(
  record: AccessRequest | Grant,
  type: Type,
  at: number,
  actor: string,
  fields: Partial<EntryData[Type]>,
): EntryDraft {
  const ids = record.kind === 'grant' ? { requestId: record.requestId, grantId: record.id } : { requestId: record.id };
  return { type, at, actor, ...ids, data: toJson({ version: record.version, ...fields }) };
}
