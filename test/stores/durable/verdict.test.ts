import { autoApprove, JitEngine, MemoryGrantStore } from 'jit-access';
import { describe, expect, it } from 'vitest';
import { ALONE, churn, type Ack } from './churn.js';
import { engineOptions } from './door.js';
import { entriesOf, wrongsOf } from './verdict.js';

async function aLife(): Promise<{ store: MemoryGrantStore; acks: Ack[] }> {
  const store = new MemoryGrantStore();
  const acks: Ack[] = [];
  const engine = new JitEngine({ ...engineOptions(), store });
  await churn(engine, { seed: 1, name: 'w', lanes: 4, lives: 20, onAck: (ack) => acks.push(...ack) });
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
      'request.commented',
      'request.reviewed',
      'lock.set',
      'lock.lifted',
    ];
    expect([...types]).toEqual(expect.arrayContaining(seen));
    expect(new Set(acks.map(([type]) => type))).toEqual(new Set(['request.created', 'grant.issued', ...seen]));
  });

  it('finds an acknowledged transition that is lost', async () => {
    const { store, acks } = await aLife();
    const lost = ['grant.revoked', 'lock.set', 'request.commented', 'request.cancelled'].map((type): Ack => [type, 'r1.1']);
    expect(await wrongsOf(store, [...acks, ...lost])).toEqual(lost.map(([type, id]) => `lost what was acknowledged: ${type} of ${id}`));
  });

  it('finds two holders of access that one at a time may hold', async () => {
    const store = new MemoryGrantStore();
    const engine = new JitEngine({ store, approver: autoApprove(() => true) });
    const ask = (subject: string) => engine.requestAccess({ subject, scope: ALONE, ttl: '15m' });
    await ask('user:a');
    await engine.revokeAll({ subject: 'user:a' }, { by: 'user:root' });
    await ask('user:b');
    expect(await wrongsOf(store)).toEqual([]);
    await ask('user:c');
    expect((await wrongsOf(store)).join()).toMatch(/^\S+ was issued beside \S+$/);
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
