import type { RowKey } from '../../core/store-port.js';
import type { AuditEntry } from '../../records/index.js';
import { isInstant } from '../../core/instant.js';
import { RecordDrafts, isRecordKind, type RecordDraft, type Fields, type RecordKind } from './drafts.js';
import { misfit } from './misfit.js';

/**
 * Reads entries one after the other and keeps what they say. Nothing here knows a rule of the lifecycle: an entry carries
 * all that its transition wrote, and this only puts it together.
 */
export class Rebuild {
  /** Whether the journal's beginning has been purged: then records may turn up in the middle of their lives. */
  readonly isTrimmed: boolean;
  /** The seq right before the first entry. */
  readonly start: number;
  /** What all entries say. */
  readonly now = new RecordDrafts();
  /** What those up to the instant that was asked about say. */
  readonly then: RecordDrafts;
  readonly #at: number;
  readonly #unproven = new Map<string, RowKey>();
  #seq: number;
  #horizon = 0;
  #horizonSeq = 0;
  #trimmedTo = 0;

  /** @param at epoch milliseconds; `undefined`: as it is after the last entry */
  constructor(start: number, at?: number) {
    this.start = start;
    this.isTrimmed = start > 0;
    this.#seq = start;
    this.#at = at ?? Infinity;
    this.then = at === undefined ? this.now : new RecordDrafts();
  }

  /** The last entry that was read. */
  get seq(): number {
    return this.#seq;
  }

  /** The latest horizon of a purge, epoch milliseconds; 0: there was none. */
  get horizon(): number {
    return this.#horizon;
  }

  /** The entry that says so; 0: none. */
  get horizonSeq(): number {
    return this.#horizonSeq;
  }

  /** What entries speak of whose first entry is gone. */
  get unproven(): readonly RowKey[] {
    return [...this.#unproven.values()];
  }

  /** The next entry has been applied. */
  advance(): void {
    this.#seq += 1;
  }

  /**
   * To be asked at the end: whatever begins later without a purge that says so is a part of a journal, and would be
   * taken for the whole.
   *
   * @throws CorruptError
   */
  refuseIfPart(): void {
    if (this.isTrimmed && !(this.#trimmedTo >= this.start))
      throw misfit(this.start + 1, 'begins the journal, but no journal.purged entry covers the entries before it');
  }

  /** A record as it is now; `'unproven'`: its first entry is gone; `undefined`: there is none. */
  find(kind: RecordKind, id: unknown): RecordDraft | 'unproven' | undefined {
    return this.#unproven.has(keyOf(kind, id)) ? 'unproven' : this.now.of(kind).get(id as string);
  }

  /** What an entry rests on without writing it. */
  require(entry: AuditEntry, kind: RecordKind, id: unknown): void {
    if (!this.isTrimmed && this.find(kind, id) === undefined)
      throw misfit(entry.seq, `names ${kind} ${String(id)}, which no earlier entry created`);
  }

  /**
   * Moves a record on.
   *
   * @param version what the transition has made it; several entries of one change may tell of one version
   * @param fields what is new about it. Each entry of a provisioning change, or of a subject, has the whole record
   * @param begins whether this is where such a record begins
   */
  write(entry: AuditEntry, kind: RecordKind, id: unknown, version: unknown, fields: Fields, begins = false): void {
    const { seq } = entry;
    if (typeof id !== 'string' || typeof version !== 'number') throw misfit(seq, 'names no record id or version');
    const before = this.find(kind, id);
    if (before === 'unproven') return;
    const tellsAll = kind === 'provisioning' || kind === 'subject';
    if (before === undefined && !begins && !tellsAll) {
      this.require(entry, kind, id);
      this.doubt(kind, id);
      return;
    }
    if (before !== undefined && begins) throw misfit(seq, `creates ${kind} ${id}, which already exists`);
    const last = before?.version ?? 0;
    const change = entry.id.slice(0, entry.id.lastIndexOf('.'));
    const follows = version === last + 1 || (version === last && change === before?.change);
    // A subject's row is written with requests, and of one whose first entry is gone it isn't known whose it was.
    const mayFollow = this.isTrimmed && tellsAll && version > last && (kind === 'subject' || before === undefined);
    if (!follows && !mayFollow) throw misfit(seq, `writes version ${version} of ${kind} ${id} after version ${last}`);
    const draft = { kind, id, version, fields: tellsAll ? fields : { ...before?.fields, ...fields }, seq, change };
    this.now.set(draft);
    if (this.then !== this.now && entry.at <= this.#at) this.then.set(draft);
  }

  /** What this journal can't tell. */
  doubt(kind: RecordKind, id: string): void {
    this.#unproven.set(keyOf(kind, id), { kind, id });
  }

  /** Takes away what a purge has removed. */
  purge(entry: AuditEntry, horizon: unknown, removed: readonly RowKey[], trimmedTo: number): void {
    if (!isInstant(horizon)) throw misfit(entry.seq, 'has no valid horizon');
    if (horizon > this.#horizon) this.#horizonSeq = entry.seq;
    this.#horizon = Math.max(this.#horizon, horizon);
    this.#trimmedTo = Math.max(this.#trimmedTo, trimmedTo);
    for (const { kind, id } of removed) {
      if (!isRecordKind(kind)) continue;
      this.require(entry, kind, id);
      this.#unproven.delete(keyOf(kind, id));
      this.now.remove(kind, id);
      if (entry.at <= this.#at) this.then.remove(kind, id);
    }
  }
}

/** JSON, so that no kind and id run into others. */
const keyOf = (kind: string, id: unknown): string => JSON.stringify([kind, id]);
