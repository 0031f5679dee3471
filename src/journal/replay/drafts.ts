import { isObject, needsReview, type AccessRequest, type StoredRecord } from '../../records/index.js';

/** The kinds of record that entries tell of. */
export const RECORD_KINDS = [
  'request',
  'grant',
  'usage',
  'use',
  'reuse',
  'provisioning',
  'subject',
] as const satisfies readonly StoredRecord['kind'][];
export type RecordKind = (typeof RECORD_KINDS)[number];

export const isRecordKind = (kind: string): kind is RecordKind => (RECORD_KINDS as readonly string[]).includes(kind);

/** As entries carry them: nothing about them is proven. */
export type Fields = Readonly<Record<string, unknown>>;

/** A record as far as entries have told it. Replaced whole with each of them: one that is the same object has not changed. */
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

/** All records of some instant, and who owes reviews then. */
export class RecordDrafts {
  readonly #byKind: Readonly<Record<RecordKind, Map<string, RecordDraft>>> = {
    request: new Map(),
    grant: new Map(),
    usage: new Map(),
    use: new Map(),
    reuse: new Map(),
    provisioning: new Map(),
    subject: new Map(),
  };
  /** For each subject the break-glass requests, in the order of their entries, whose review is owed by it. */
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
