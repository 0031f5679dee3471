import type { AuditEntry } from 'jit-access';
import { anEntry } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { JournalOfAnswers, type Seen } from './answers.js';
import type { Acknowledged } from './workers.js';

const SECOND = 1_000_000;
const PAIR = { subject: 'user:maya', scope: 'db:read' };
const LOCK = { id: 'l1', subject: PAIR.subject, scope: undefined, completedAt: undefined, until: undefined };

/** Entries 1 to 4: the grant is issued, a lock is set and lifted, and the grant ends. */
const ENTRIES = [
  { type: 'grant.issued', grantId: 'g1', data: { ...PAIR, startsAt: 1_000, expiresAt: 2_000 } },
  { type: 'lock.set', data: { lockId: 'l1', locks: [LOCK] } },
  { type: 'lock.lifted', data: { lockId: 'l1', locks: [] } },
  { type: 'grant.revoked', grantId: 'g1', data: { ...PAIR, end: { cause: 'revoked' } } },
  { type: 'request.created', requestId: 'r2', data: {} },
].map((entry, i) => ({ ...anEntry(), requestId: undefined, grantId: undefined, ...entry, seq: i + 1 })) as unknown as AuditEntry[];

/** Entry n was asked for at second 10n, and acknowledged to process 1 a second later. */
const ACKNOWLEDGED = (
  [
    ['grant.issued', 'g1'],
    ['lock.set', 'l1'],
    ['lock.lifted', 'l1'],
    ['grant.revoked', 'g1'],
    ['request.created', 'r2'],
  ] as const
).map((one, i): Acknowledged & { readonly process: number } => {
  const began = 10 * (i + 1) * SECOND;
  return { ack: [one], began, at: began + SECOND, process: 1 };
});

/** A check that is asked at this second, and answers half a second later. */
const seen = (second: number, over: Partial<Seen> = {}): Seen => {
  const began = second * SECOND;
  const yes = { allowed: true, reason: 'granted', grantId: 'g1' };
  return { ...PAIR, by: 'check', process: 2, began, ended: began + SECOND / 2, from: 1_500, to: 1_500, ...yes, ...over };
};
const NO = { allowed: false, reason: 'no_grant', grantId: undefined };
const VIEW = { by: 'view' } as const;

it.each<[string, Seen, RegExp | undefined]>([
  ['a yes while the grant is live', seen(15), undefined],
  ['a yes while its end is asked for', seen(40), undefined],
  ['L12 a yes after its end was acknowledged', seen(42), /no state/],
  ['L1 a yes at its expiry', seen(15, { from: 2_000, to: 2_001 }), /no state/],
  ['L2 a yes before its start', seen(15, { from: 998, to: 999 }), /no state/],
  ['a yes by a grant that does not exist', seen(15, { grantId: 'g2' }), /no state/],
  ['a no before it is issued', seen(5, NO), undefined],
  ['a no after its end', seen(42, NO), undefined],
  ['a no while its end may have been committed', seen(35, NO), undefined],
  ['L45 a yes of a view half a second after the end', seen(41.5, VIEW), undefined],
  ['L45 a yes of a view more than a second after the end', seen(42.5, VIEW), /no state/],
  ['L45 a yes of a view of the process that has ended it', seen(41.5, { ...VIEW, process: 1 }), /this process had ended/],
  ['a no of a view', seen(15, { ...VIEW, ...NO }), undefined],
])('the judge of answers judges %s', (_, answer, wrong) => {
  const journal = new JournalOfAnswers(ENTRIES, ACKNOWLEDGED, 1_000);
  const found = journal.wrongIn(answer);
  if (wrong === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(wrong);
});

const judged = (entries: readonly (AuditEntry | undefined)[], answer: Seen) =>
  new JournalOfAnswers(
    entries.map((entry, i) => ({ ...(entry as AuditEntry), seq: i + 1 })),
    ACKNOWLEDGED,
    1_000,
  ).wrongIn(answer);

it('the judge of answers finds a no while a grant allows, and a yes under a lock, where the next change was asked for later', () => {
  const [issued, set, , ended, created] = ENTRIES;
  expect(judged([issued, created], seen(45, NO))).toMatch(/every state/);
  expect(judged([issued, created, ended], seen(45, NO))).toBeUndefined();
  expect(judged([issued, set, created], seen(25))).toMatch(/no state/);
});
