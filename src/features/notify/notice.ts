import type { AccessRequest, AuditEntry, Grant } from '../../records/index.js';

/** What a notice is about. */
export type NoticeKind =
  /** Reviewers are asked: first those of the quorum; later, in a second notice, those who may stand in. */
  | 'review_requested'
  /** A request was approved, denied or cancelled, or ran out. */
  | 'decided'
  /** A grant is about to end. */
  | 'expiring'
  /** A grant has ended. */
  | 'ended'
  /** Somebody has taken access without review. */
  | 'break_glass_used'
  /** The review of such access is overdue. */
  | 'break_glass_overdue'
  /** A system outside could not be told a change of access. For operators. */
  | 'provisioning_stuck';

/** A message for people. */
export interface Notice {
  /** The entry's: a repeat has the same, so drop repeats by it. */
  readonly id: string;
  readonly kind: NoticeKind;
  /** When it happened. Epoch milliseconds. */
  readonly at: number;
  readonly namespace: string;
  /** Plain text, the first line by itself; what comes from outside is on one line each. */
  readonly text: string;
  /** The same as Markdown. */
  readonly markdown: string;
  /** The ids of those whom it concerns; may be none. */
  readonly people: readonly string[];
  /** The groups of reviewers that are to be told; may be none. */
  readonly groups: readonly string[];
  /** The request as it is now, which may be further than when this happened; `undefined`: there is none, or none any more. */
  readonly request: AccessRequest | undefined;
  /** The grant as it is now, where it is about one. */
  readonly grant: Grant | undefined;
  readonly entry: AuditEntry;
}

/** What a maker of notices says; the rest is the same for all of them. */
export type Message = Pick<Notice, 'kind' | 'people' | 'groups'> & {
  readonly headline: Phrase;
  readonly details: readonly (Phrase | undefined)[];
};

/** The same words twice: as plain text, and as Markdown. */
export interface Phrase {
  readonly text: string;
  readonly markdown: string;
}
