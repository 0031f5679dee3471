/** The row that enforces the limits of a subject. Every change that opens a request or issues a grant for the subject writes it. */
export interface Subject {
  /** The kind of this record: always `'subject'`. */
  readonly kind: 'subject';
  /** The id of the subject. */
  readonly id: string;
  /** The version of this record. Each change increments it. */
  readonly version: number;
  /** The ids of break-glass requests by or for this subject with a pending review. */
  readonly unreviewed: readonly string[];
  /** The ids of requests that it opened for other subjects. Only an ask writes this list, and removes the ended ones. */
  readonly openedForOthers: readonly string[];
  /** The ids of denied requests for this subject, the latest last: at most 100. */
  readonly denied: readonly string[];
}
