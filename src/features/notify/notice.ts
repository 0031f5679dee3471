import type { AccessRequest, AuditEntry, Grant } from '../../records/index.js';

/** What a notice is about. */
export type NoticeKind =
  /**
   * Asks reviewers: first those of the quorum; later those of the next step, and those who may stand in. A reminder asks all of these
   * again.
   */
  | 'review_requested'
  /** The subject, the requester or a reviewer has commented on a request. */
  | 'commented'
  /** A request was approved, denied or cancelled, or has expired. */
  | 'decided'
  /** A grant is about to end. */
  | 'expiring'
  /** A grant has ended. */
  | 'ended'
  /** A subject has taken access without review. */
  | 'break_glass_used'
  /** The review of such access is overdue. */
  | 'break_glass_overdue'
  /** An external system has not taken a change of access. For operators. */
  | 'provisioning_stuck';

/** A message for people. */
export interface Notice {
  /** The entry's id: a repeat has the same, so drop repeats by it. */
  readonly id: string;
  /** What the notice is about. */
  readonly kind: NoticeKind;
  /** When it happened. Epoch milliseconds. */
  readonly at: number;
  /** The namespace of the entry. */
  readonly namespace: string;
  /** Plain text. The first line is the headline, and each text that a caller chose is on one line. */
  readonly text: string;
  /** The same as Markdown. */
  readonly markdown: string;
  /** The ids of the people concerned; may be empty. */
  readonly people: readonly string[];
  /** The groups of reviewers concerned; may be empty. */
  readonly groups: readonly string[];
  /** The present state of the request, which may be later than the entry's; `undefined`: the entry has none, or it was purged. */
  readonly request: AccessRequest | undefined;
  /** The present state of the grant that the entry names. */
  readonly grant: Grant | undefined;
  /** The entry of the journal that the notice is about. */
  readonly entry: AuditEntry;
}

/** The part of a notice that differs from kind to kind. */
export type Message = Pick<Notice, 'kind' | 'people' | 'groups'> & {
  readonly headline: Phrase;
  readonly details: readonly (Phrase | undefined)[];
};

/** A text in two forms: plain and Markdown. */
export interface Phrase {
  readonly text: string;
  readonly markdown: string;
}
