import { JitEngine, MemoryGrantStore } from 'jit-access';
import { describe, expect, it } from 'vitest';
import { churn, type Ack } from './churn.js';
import { engineOptions } from './door.js';
import { entriesOf, wrongsOf } from './verdict.js';

async function aLife(): Promise<{ store: MemoryGrantStore; acks: Ack[] }> {
  const store = new MemoryGrantStore();
  const acks: Ack[] = [];
  const engine = new JitEngine({ ...engineOptions(), store });
  await churn(engine, { seed: 1, name: 'w', lanes: 4, lives: 12, onAck: (ack) => acks.push(...ack) });
  return { store, acks };
}

describe('the check of a store after a crash', () => {
  it('finds nothing wrong without a crash, after lives with every kind of event', async () => {
    const { store, acks } = await aLife();
    expect(await wrongsOf(store, acks)).toEqual([]);
    const types = new Set((await entriesOf(store)).map(({ type }) => type));
    const seen = [
      'request.approved',
      'request.denied',
      'request.cancelled',
      'grant.revoked',
      'grant.extended',
      'grant.used',
      'breakGlass.reviewed',
    ];
    expect([...types]).toEqual(expect.arrayContaining(seen));
    expect(new Set(acks.map(([type]) => type))).toEqual(new Set(['request.created', 'grant.issued', ...seen]));
  });

  it('finds an acknowledged transition that is lost', async () => {
    const { store, acks } = await aLife();
    expect(await wrongsOf(store, [...acks, ['grant.revoked', 'r1.1']])).toEqual(['lost what was acknowledged: grant.revoked of r1.1']);
  });

  it('finds a row without its entry, an entry without its row, and revoked access that is back', async () => {
    const { store, acks } = await aLife();
    const [, revoked = ''] = acks.find(([type]) => type === 'grant.revoked') as Ack;
    const entry = (await entriesOf(store)).find(({ type, grantId }) => type === 'grant.issued' && grantId === revoked);
    const [row] = await store.get([{ kind: 'grant', id: revoked }]);
    if (row === undefined || entry === undefined) throw new Error('there is a grant that was revoked');
    const body = { ...row.body, end: null };
    const put = { ...row, version: row.version + 1, open: true, until: row.body['expiresAt'] as number, body };
    await store.commit({ id: 'behind the back', expect: [row], put: [put], append: [] });
    const wrong = await wrongsOf(store, acks);
    expect(wrong.join('\n')).toContain(`grant ${revoked}: `);
    await store.commit({ id: 'away', expect: [put], put: [], append: [], remove: [put] });
    expect((await wrongsOf(store, acks)).join('\n')).toContain(`grant ${revoked}: `);
    const strange = { ...row, id: 'strange', version: 1 };
    await store.commit({ id: 'strange', expect: [{ kind: 'grant', id: 'strange', version: 0 }], put: [strange], append: [] });
    expect((await wrongsOf(store, acks)).join('\n')).toContain('grant strange: ');
  });
});
