import { describe, expect, it } from 'vitest';
import type { AuditEntry } from '../../../src/index.js';
import { ENTRY_TYPES } from '../../../src/model/entry-types.js';
import { addMessages } from '../../../src/console/app/frame/messages.js';
import { journal } from '../../../src/console/app/views/journal.messages.js';
import { saidBy, textFor } from '../../../src/console/app/views/journal/says.js';
import { PAGE, readNewest, startOf } from '../../../src/console/app/views/journal/use-journal.js';
import { verifyAll } from '../../../src/console/app/views/journal/verification.js';

addMessages(journal);

const entry = (type: string, data: unknown) => ({ type, actor: 'user:maya', data }) as Pick<AuditEntry, 'type' | 'actor' | 'data'>;
const reviewed = { review: { verdict: 'approve', reason: 'seen' } };

describe('the text of an entry', () => {
  it.each(Object.keys(ENTRY_TYPES))('exists for %s', (type) => {
    const said = saidBy(entry(type, type === 'request.reviewed' ? reviewed : {}));
    expect(textFor(said)).toBeDefined();
  });

  it('names what the entry names', () => {
    const created = { subject: 'user:lee', scopes: ['a:x', 'b:x'], justification: 'INC-1' };
    expect(saidBy(entry('request.created', created))).toMatchObject({
      ...{ key: 'journal.says.request.createdFor', subject: 'user:lee', scopes: ['a:x', 'b:x'], words: 'INC-1' },
    });
    expect(saidBy(entry('request.created', { ...created, subject: 'user:maya' })).key).toBe('journal.says.request.created');
    expect(saidBy(entry('request.reviewed', reviewed))).toMatchObject({ key: 'journal.says.request.reviewed.approve', words: 'seen' });
    const locks = {
      lockId: '2',
      locks: [
        { id: '1', subject: 'user:a' },
        { id: '2', scope: 'b:*' },
      ],
      ended: [],
    };
    expect(saidBy(entry('lock.set', locks)).target).toBe('b:*');
  });

  it.each([undefined, null, 1, 'x', [], { scope: 7, scopes: 'x', locks: [null, 1], end: 'x', count: NaN, justification: {} }])(
    'never fails: data %j',
    (data) => {
      expect(saidBy(entry('grant.issued', data))).toMatchObject({ scopes: [], target: undefined, count: undefined, words: undefined });
    },
  );

  it('is missing for a type of a later version', () => {
    expect(textFor(saidBy(entry('grant.frozen', {})))).toBeUndefined();
    expect(textFor(saidBy(entry('__proto__', {})))).toBeUndefined();
  });
});

describe('the newest entries', () => {
  const journalOf = (oldest: number, head: number) => {
    const calls: (number | undefined)[] = [];
    const read = ({ after = 0, limit = 100 }: { after?: number; limit?: number } = {}) => {
      calls.push(after);
      // As the API: what a purge has removed is an error.
      if (after > 0 && after < oldest - 1) return Promise.reject(new Error('purged'));
      const from = Math.max(after + 1, oldest);
      const items = Array.from({ length: Math.max(0, Math.min(limit, head - from + 1)) }, (_, i) => ({ seq: from + i }));
      return Promise.resolve({ items, head: { seq: head, hash: '' } });
    };
    return { calls, client: { journal: read } as never };
  };

  it.each([
    [1, 0],
    [1, 1],
    [1, PAGE],
    [1, PAGE + 1],
    [1, 1_000],
    [991, 1_000],
    [1_001, 1_000],
  ])('are read from the oldest %d and the head %d', async (oldest, head) => {
    const { client } = journalOf(oldest, head);
    const read = await readNewest(client, new AbortController().signal);
    const count = Math.min(PAGE, head - oldest + 1);
    expect(read.entries.map(({ seq }) => seq)).toEqual(Array.from({ length: count }, (_, i) => head - i));
    expect(read.oldest).toBe(oldest);
  });

  it('are followed by older pages without a gap', () => {
    expect([startOf(1_000, 1), startOf(41, 1), startOf(42, 1), startOf(30, 20)]).toEqual([999 - PAGE, 0, 1, 19]);
  });
});

describe('a verification', () => {
  const parts = (...answers: object[]) => {
    const after: unknown[] = [];
    const verifyJournal = (query: { after?: string }) => {
      after.push(query.after);
      return Promise.resolve(answers.shift());
    };
    return { after, client: { verifyJournal } as never };
  };

  it('reads all parts, and counts them', async () => {
    const head = { seq: 150, hash: 'b' };
    const { client, after } = parts({ ok: true, count: 100, head: { seq: 100, hash: 'a' }, next: '100.a' }, { ok: true, count: 50, head });
    const counts: number[] = [];
    expect(await verifyAll(client, (count) => counts.push(count))).toEqual({ ok: true, count: 150, head });
    expect([after, counts]).toEqual([
      [undefined, '100.a'],
      [100, 150],
    ]);
  });

  it('ends at the first part that is not whole', async () => {
    const { client } = parts(
      { ok: true, count: 100, head: { seq: 100, hash: 'a' }, next: '100.a' },
      { ok: false, seq: 117, problem: 'is changed' },
    );
    expect(await verifyAll(client, () => undefined)).toEqual({ ok: false, seq: 117, problem: 'is changed' });
  });
});
