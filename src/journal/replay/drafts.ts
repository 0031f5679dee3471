import { isObject, KINDS, needsReview, type AccessRequest, type StoredRecord } from '../../records/index.js';

/** The kinds of records that entries are about. */
export const RECORD_KINDS = /* @__PURE__ */ Object.keys(KINDS) as readonly RecordKind[];
export type RecordKind = StoredRecord['kind'];

export const isRecordKind = (kind: string): kind is RecordKind => Object.hasOwn(KINDS, kind);

/** The fields of a record, as the entries carry them. They are not validated. */
export type Fields = Readonly<Record<string, unknown>>;

/** The fields of an entry that its record has, and the hash of the metadata, which the record has instead. */
export const fieldsFor = (kind: RecordKind, data: Fields): Fields =>
  Object.fromEntries(Object.entries(data).filter(([name]) => name === 'metadataHash' || Object.hasOwn(KINDS[kind].fields, name)));

/** The state of a record after the entries so far. Each entry replaces the whole draft, so the same object means: no change. */
export interface RecordDraft {
  readonly kind: RecordKind;
  readonly id: string;
  readonly version: number;
  readonly fields: Fields;
  /** The last entry about it. */
  readonly seq: number;
  /** The change that wrote that entry. */
  readonly change: string;
}

/** All records at an instant, and the pending break-glass reviews of each subject. */
export class RecordDrafts {
  readonly #byKind = new Map<RecordKind, Map<string, RecordDraft>>(RECORD_KINDS.map((kind) => [kind, new Map()]));
  /** By subject, its break-glass requests with a pending review, in the order of their entries. */
  readonly #owing = new Map<string, Set<string>>();

  of(kind: RecordKind): Map<string, RecordDraft> {
    return this.#byKind.get(kind) as Map<string, RecordDraft>;
  }

  set(draft: RecordDraft): void {
    this.of(draft.kind).set(draft.id, draft);
    if (draft.kind === 'request' && isObject(draft.fields['afterReview'])) this.#owe(draft);
  }

  remove(kind: RecordKind, id: string): void {
    this.of(kind).delete(id);
  }

  owing(subject: string): readonly string[] {
    return [...(this.#owing.get(subject) ?? [])];
  }

  #owe({ id, fields }: RecordDraft): void {
    const { subject, requestedBy, afterReview } = fields as unknown as AccessRequest;
    for (const one of [subject, requestedBy]) {
      const ids = this.#owing.get(one) ?? new Set();
      if (needsReview({ afterReview })) ids.add(id);
      else ids.delete(id);
      this.#owing.set(one, ids);
    }
  }
}
