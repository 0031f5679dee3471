/*
 * The questions for all contestants are about these grants: subjects of ten grants each, on ten of twenty scopes. So a pair
 * without a grant still consists of a known subject and a known scope.
 */
import { Seeded } from '../../stores/durable/seeded.js';

export const DAY = 86_400_000;
/** Questions of each kind: more than the L2 cache of a core holds. A power of two. */
export const ASKED = 65_536;
const PER_SUBJECT = 10;
const SCOPES = 2 * PER_SUBJECT;

export interface LiveGrant {
  readonly subject: string;
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

const subjectAt = (i: number): string => `user:${i}`;
/** The scopes from 0 are held by the subject, those from {@link PER_SUBJECT} are not. */
const scopeAt = (subject: number, i: number): string => `db-${(subject + i) % SCOPES}:write`;

/** All grants, made one after the other: an array of a million would distort the weights. */
export function* liveGrants(grants: number, perSubject = PER_SUBJECT): Generator<LiveGrant> {
  const expiresAt = Date.now() + DAY;
  for (let i = 0; i < grants; i++) {
    const subject = Math.floor(i / perSubject);
    yield { subject: subjectAt(subject), scope: scopeAt(subject, i % perSubject), expiresAt };
  }
}

export interface Questions {
  readonly subjects: readonly string[];
  readonly scopes: readonly string[];
  /** The right answer to all of them. */
  readonly isYes: boolean;
}

/** The kinds of questions: a grant allows; the subject holds other scopes; the subject holds nothing. */
export const KINDS = ['held', 'not held', 'unknown'] as const;
export type Kind = (typeof KINDS)[number];

/**
 * {@link ASKED} random questions of one kind, the same in each run. The strings are separate, as parsed requests contain them.
 *
 * @param spell how the contestant writes names
 */
export function questions(kind: Kind, grants: number, spell = (name: string): string => name): Questions {
  const subjects = Math.floor(grants / PER_SUBJECT);
  const random = new Seeded(grants);
  const asked = Array.from({ length: ASKED }, () => {
    const subject = random.below(subjects);
    const i = random.below(PER_SUBJECT);
    return {
      subject: subjectAt(kind === 'unknown' ? subjects + subject : subject),
      scope: scopeAt(subject, kind === 'held' ? i : PER_SUBJECT + i),
    };
  });
  return {
    subjects: asked.map(({ subject }) => spell(subject)),
    scopes: asked.map(({ scope }) => spell(scope)),
    isYes: kind === 'held',
  };
}
