import { isObject, needsReview, type AccessRequest, type StoredRecord } from '../../records/index.js';

/** The kinds of records that entries are about. */
export const RECORD_KINDS = [
  'request',
  'grant',
  'usage',
  'use',
  'reuse',
  'provisioning',
  'subject',
  'lock',
  'activity',
  'comment',
  'holders',
] as const satisfies readonly StoredRecord['kind'][];
export type RecordKind = (typeof RECORD_KINDS)[number];

export const isRecordKind = (kind: string): kind is RecordKind => (RECORD_KINDS as readonly string[]).includes(kind);

/** The fields of a record, as the entries carry them. They are not validated. */
export type Fields = Readonly<Record<string, unknown>>;

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
  readonly #byKind: Readonly<Record<RecordKind, Map<string, RecordDraft>>> = {
    request: new Map(),
    grant: new Map(),
    usage: new Map(),
    use: new Map(),
    reuse: new Map(),
    provisioning: new Map(),
    subject: new Map(),
    lock: new Map(),
    activity: new Map(),
    comment: new Map(),
    holders: new Map(),
  };
  /** By subject, its break-glass requests with a pending review, in the order of their entries. */
  readonly #owing = new Map<string, Set<string>>();

  of(kind: RecordKind): ReadonlyMap<string, RecordDraft> {
    return this.#byKind[kind];
  }

  set(draft: RecordDraft): void {
    this.#byKind[draft.kind].set(draft.id, draft);
    if (draft.kind === 'request' && isObject(draft.fields['afterReview'])) this.#owe(draft);
  }

  remove(kind: RecordKind, id: string): void {
    this.#byKind[kind].delete(id);
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
