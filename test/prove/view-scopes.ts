import { MAX_SCOPES } from '../../src/features/view/cells.js';
import { BY_ROWS, LiveCopy } from '../../src/features/view/live-copy.js';
import { encode } from '../../src/records/index.js';
import { aGrant, START_AT } from '../../src/testing.js';
import { scaled, type Proof } from './proof.js';

/** How many scopes have no number. */
const BEYOND = 1_000;
/** The subjects have numbers one after the other: an overflow of a scope number would reach the next subject. */
const SUBJECTS = ['user:a', 'user:b', 'user:c'] as const;

/** The first subject holds every scope, the last one none of them, and the one between holds a few. */
export const viewScopes: Proof = {
  name: 'view-scopes',
  laws: ['L20', 'L30'],
  what: 'a view with more scopes than there are scope numbers: each answer is the one of its own pair',
  run({ scale, progress }) {
    const maxScopes = scaled(MAX_SCOPES, scale);
    const copy = new LiveCopy({ usesCells: true, keepsIds: false, maxScopes });
    const [all, few, none] = SUBJECTS;
    const endOf = (i: number) => START_AT + 1 + i;
    const give = (subject: string, i: number): void => {
      const [scope, until] = [`s:${i}`, endOf(i)];
      if (copy.begin(subject, scope, START_AT, until, 'g')) return;
      const row = encode(aGrant({ id: `${subject} ${i}`, subject, scope, expiresAt: until }));
      copy.read(subject, scope, [row], START_AT);
    };
    const count = maxScopes + BEYOND;
    for (const subject of SUBJECTS) give(subject, count);
    for (let i = 0; i < count; i++) {
      give(all, i);
      if (i % 977 === 0) give(few, i);
      if (i % 500_000 === 0) progress?.(`${i} scopes`);
    }
    const violations: string[] = [];
    for (let i = 0; i < count && violations.length < 10; i++) {
      for (const subject of SUBJECTS) {
        const expected = subject === all || (subject === few && i % 977 === 0) ? endOf(i) : undefined;
        const end = endIn(copy, subject, `s:${i}`);
        if (end !== expected) violations.push(`${subject} s:${i} ends at ${end}, not at ${expected}`);
      }
    }
    if (endIn(copy, none, `s:${count}`) === undefined) violations.push(`${none} has no grant`);
    return Promise.resolve({ count, unit: 'scopes', violations });
  },
};

function endIn(copy: LiveCopy, subject: string, scope: string): number | undefined {
  const place = copy.placeOf(subject, scope);
  return place >= 0 ? copy.endAt(place) : place === BY_ROWS ? copy.live({ subject, scope })[0]?.until : undefined;
}
