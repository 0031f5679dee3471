import type { RowKey } from '../../core/store-port.js';
import type { AuditEntry } from '../../records/index.js';
import { isInstant } from '../../core/instant.js';
import { fieldsFor, RecordDrafts, isRecordKind, type RecordDraft, type Fields, type RecordKind } from './drafts.js';
import { misfit } from './misfit.js';

/**
 * Rebuilds the records from entries, one after the other. It knows no rule of the lifecycle: an entry carries every field that
 * its transition wrote (L27), and this class only merges these fields.
 */
export class Rebuild {
  /** Whether a purge has trimmed the journal. If so, the first entry about a record may be missing. */
  readonly isTrimmed: boolean;
  /** The seq right before the first entry. */
  readonly start: number;
  /** The records after all entries. */
  readonly now = new RecordDrafts();
  /** The records after the entries stamped up to the requested instant. */
  readonly then: RecordDrafts;
  readonly #at: number;
  readonly #unproven = new Map<string, RowKey>();
  #seq: number;
  #horizon = 0;
  #horizonSeq = 0;
  #trimmedTo = 0;

  /** @param at epoch milliseconds. `undefined`: the state after the last entry */
  constructor(start: number, at?: number) {
    this.start = start;
    this.isTrimmed = start > 0;
    this.#seq = start;
    this.#at = at ?? Infinity;
    this.then = at === undefined ? this.now : new RecordDrafts();
  }

  /** The seq of the last applied entry. */
  get seq(): number {
    return this.#seq;
  }

  /** The latest horizon of a purge, epoch milliseconds. 0: no purge has run. */
  get horizon(): number {
    return this.#horizon;
  }

  /** The seq of the entry that recorded the horizon. 0: there is none. */
  get horizonSeq(): number {
    return this.#horizonSeq;
  }

  /** The records whose first entry was trimmed. */
  get unproven(): readonly RowKey[] {
    return [...this.#unproven.values()];
  }

  /** Counts an applied entry. */
  advance(): void {
    this.#seq += 1;
  }

  /**
   * Call it at the end. Entries that begin after seq 1 without a purge that trimmed the rest are only a part of a journal.
   *
   * @throws CorruptError
   */
  refuseIfPart(): void {
    if (this.isTrimmed && !(this.#trimmedTo >= this.start))
      throw misfit(this.start + 1, 'begins the journal, but no journal.purged entry covers the entries before it');
  }

  /** The present state of a record. `'unproven'`: its first entry was trimmed. `undefined`: there is no such record. */
  find(kind: RecordKind, id: unknown): RecordDraft | 'unproven' | undefined {
    return this.#unproven.has(keyOf(kind, id)) ? 'unproven' : this.now.of(kind).get(id as string);
  }

  /** Requires a record that an entry refers to. A trimmed journal may lack it. @throws CorruptError */
  require(entry: AuditEntry, kind: RecordKind, id: unknown): void {
    if (!this.isTrimmed && this.find(kind, id) === undefined)
      throw misfit(entry.seq, `names ${kind} ${String(id)}, which no earlier entry created`);
  }

  /**
   * Applies a transition to a record.
   *
   * @param version the version that the transition wrote. Several entries of one change may have the same one
   * @param fields the changed fields; of the kinds in `WRITTEN_WHOLE` all fields
   * @param begins whether this entry creates the record
   * @throws CorruptError if the entry does not follow
   */
  write(entry: AuditEntry, kind: RecordKind, id: unknown, version: unknown, data: Fields, begins = false): void {
    const { seq } = entry;
    if (typeof id !== 'string' || typeof version !== 'number') throw misfit(seq, 'names no record id or version');
    const before = this.find(kind, id);
    if (before === 'unproven') return;
    if (before !== undefined && begins) throw misfit(seq, `creates ${kind} ${id}, which already exists`);
    const isWhole = WRITTEN_WHOLE.includes(kind);
    if (before === undefined && !begins && !isWhole) {
      this.require(entry, kind, id);
      this.doubt(kind, id);
      return;
    }
    const change = entry.id.slice(0, entry.id.lastIndexOf('.'));
    const fields = fieldsFor(kind, data);
    const draft = { kind, id, version, fields: isWhole ? fields : { ...before?.fields, ...fields }, seq, change };
    this.#refuseGap(before, draft);
    this.now.set(draft);
    if (this.then !== this.now && entry.at <= this.#at) this.then.set(draft);
  }

  /** The next version follows, and the same version in the same change. In a trimmed journal, versions may be missing. */
  #refuseGap(before: RecordDraft | undefined, { seq, kind, id, version, change }: RecordDraft): void {
    const last = before?.version ?? 0;
    if (version === last + 1 || (version === last && change === before?.change)) return;
    // Entries of requests write the subject's row. The subject of a request without its first entry is unknown.
    const mayMissEntries = kind === 'subject' || (WRITTEN_WHOLE.includes(kind) && before === undefined);
    if (!(this.isTrimmed && mayMissEntries && version > last))
      throw misfit(seq, `writes version ${version} of ${kind} ${id} after version ${last}`);
  }

  /** Marks a record as unproven: its first entry was trimmed. */
  doubt(kind: RecordKind, id: string): void {
    this.#unproven.set(keyOf(kind, id), { kind, id });
  }

  /** Applies a purge: removes the records that it removed. */
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

/** The kinds of which each entry carries all fields. */
const WRITTEN_WHOLE: readonly RecordKind[] = ['provisioning', 'subject', 'lock', 'holders'];

/** JSON, because a composite key must be injective (L24). */
const keyOf = (kind: string, id: unknown): string => JSON.stringify([kind, id]);
