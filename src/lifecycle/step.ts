import type { JsonObject } from '../ports.js';
import { lastInstant, toJson, type AccessRequest, type EntryType, type Grant } from '../records.js';
import type { Reading } from '../time.js';

/** When, and by whom: what every rule is told. */
export interface Moment extends Reading {
  readonly actor: string;
}

/** Reads the clock, once for each attempt: after the last question to an approver, right before the rule. */
export const moment = (keeper: { read(): Reading }, actor: string): Moment => ({ ...keeper.read(), actor });

/** The engine's own actors. */
export const APPROVER = 'system:approver';
export const SWEEPER = 'system:sweeper';

/** An entry before the engine gives it an id and a digest. */
export interface EntryDraft {
  readonly type: EntryType;
  readonly at: number;
  readonly actor: string;
  readonly requestId?: string | undefined;
  readonly grantId?: string | undefined;
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

export const unchanged = <Result>(result: Result): Step<Result> => ({ result, put: [], entries: [] });

/** The one place that moves a version on. */
export const nextVersion = (record?: { readonly version: number }): number => (record?.version ?? 0) + 1;

/** The instant that a transition of `record` is stamped with: never before what is on it already (L27). */
export const stamp = (record: AccessRequest | Grant, moment: Moment): number => Math.max(moment.now, lastInstant(record));

/** An entry about a request or a grant; `fields` are all that the transition wrote besides the version. */
export function entryOf(record: AccessRequest | Grant, type: EntryType, at: number, actor: string, fields: object): EntryDraft {
  const ids = record.kind === 'grant' ? { requestId: record.requestId, grantId: record.id } : { requestId: record.id };
  return { type, at, actor, ...ids, data: toJson({ version: record.version, ...fields }) };
}
