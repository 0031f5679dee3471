import { ClockError } from '../errors.js';
import type { JsonObject } from '../ports.js';
import { lastInstant, toJson, type AccessRequest, type EntryType, type Grant } from '../records.js';
import type { Reading } from '../time.js';

/** When, and by whom: what every rule is told. */
export interface Moment extends Reading {
  readonly actor: string;
}

/** The engine's own actors. */
export const APPROVER = 'system:approver';
export const SWEEPER = 'system:sweeper';

/** An entry before the engine gives it an id and a digest. */
export interface EntryDraft {
  readonly type: EntryType;
  readonly at: number;
  readonly actor: string;
  readonly requestId: string | undefined;
  readonly grantId: string | undefined;
  readonly data: JsonObject;
}

/**
 * What a rule decides: the records as they will be, each exactly one version on, with the entries that say so.
 * Nothing in `put` means that there is nothing to write.
 */
export interface Step<Result> {
  readonly result: Result;
  readonly put: readonly (AccessRequest | Grant)[];
  readonly entries: readonly EntryDraft[];
}

export function unchanged<Result>(result: Result): Step<Result> {
  return { result, put: [], entries: [] };
}

/** The one place that moves a version on. */
export const nextVersion = (record: { readonly version: number } | undefined): number => (record?.version ?? 0) + 1;

/** The instant that a transition of `record` is stamped with: never before what is on it already (L27). */
export const stamp = (record: AccessRequest | Grant, moment: Moment): number => Math.max(moment.now, lastInstant(record));

/** Whatever creates access is refused while the clock lies below a reading used before (L5). */
export function refuseIfSteppedBack(moment: Moment): void {
  if (moment.steppedBack) {
    throw new ClockError('the clock lies more than a second below an earlier reading; until it has caught up, nothing may create access');
  }
}

/** An entry about a request or a grant; `fields` are all that the transition wrote, the version among them. */
export function entryOf(record: AccessRequest | Grant, type: EntryType, at: number, actor: string, fields: object): EntryDraft {
  const isGrant = record.kind === 'grant';
  return {
    type,
    at,
    actor,
    requestId: isGrant ? record.requestId : record.id,
    grantId: isGrant ? record.id : undefined,
    data: toJson({ version: record.version, ...fields }),
  };
}
