/*
 * The questions for all contestants are about these grants: subjects of ten grants each, each grant on a scope of its own.
 */

export const DAY = 86_400_000;
const ASKED = 4096;

export interface LiveGrant {
  readonly subject: string;
  readonly scope: string;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
}

const subjectAt = (i: number): string => `user:${i}`;
const scopeAt = (i: number): string => `db-${i}:write`;

/** All the grants, made one after the other: a million of them at once would be a burden of its own. */
export function* liveGrants(grants: number, perSubject = 10): Generator<LiveGrant> {
  const expiresAt = Date.now() + DAY;
  for (let i = 0; i < grants; i++) {
    yield { subject: subjectAt(Math.floor(i / perSubject)), scope: scopeAt(i % perSubject), expiresAt };
  }
}

/** The questions, asked repeatedly: separate strings, as a request contains them, in an order that no cache predicts. */
export function questions(grants: number): { readonly subjects: readonly string[]; readonly scopes: readonly string[] } {
  const subjects = Math.max(1, Math.floor(grants / 10));
  const asked = Array.from({ length: ASKED }, (_, i) => (i * 7919) % subjects);
  return {
    subjects: asked.map(subjectAt),
    // All of them are held: a no would be answered sooner.
    scopes: asked.map((_, i) => scopeAt(((i * 31) >> 2) % Math.min(10, grants))),
  };
}
