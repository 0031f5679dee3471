import { purge } from 'jit-access/retention';
import { JitEngine, reviewers, type Approver } from 'jit-access';
import { verifyStore } from 'jit-access/journal';
import { aChange, anEntry, aRow, ManualClock } from 'jit-access/testing';
import { expect, it } from 'vitest';
import { CLIENTS } from './clients.js';
import { openedFor } from './opened.js';
import { describeRedis } from './server.js';

const SAM = { by: 'user:sam' };
const ask = (scope: string, subject = 'user:maya') => ({ subject, scope, ttl: '1h' as const, justification: 'x' });

for (const [name, make] of Object.entries(CLIENTS)) {
  describeRedis(
    `a Redis that is full, over ${name}`,
    (server) => {
      const { store, after } = openedFor(server);

      /** An engine over a store with records to end, and functions that fill the server and empty it. */
      async function opened() {
        const { store: one, send } = await store({}, make);
        const clock = new ManualClock();
        const people = reviewers({ members: ['user:sam'] });
        const approver: Approver = {
          ...people,
          decide: (request) => people.decide(request),
          groupsOf: (reviewer, request) => people.groupsOf?.(reviewer, request) ?? [],
          breakGlass: () => ({ outcome: 'approve', reviewWithinMs: 1_000 }),
          mayReviewBreakGlass: () => true,
        };
        const engine = new JitEngine({ store: one, clock, approver, onError: () => undefined });
        const pending = async (scope: string) => (await engine.requestAccess(ask(scope))).request.id;
        const grant = async (scope: string) => {
          const id = await pending(scope);
          await engine.approve(id, SAM);
          return `${id}.1`;
        };
        const limit = (bytes: string) => send('CONFIG', 'SET', 'maxmemory', bytes);
        after(() => limit('0'));
        return { one, clock, engine, pending, grant, fill: () => limit('1'), empty: () => limit('0') };
      }

      it('still revokes, releases, denies and cancels, but issues no grant [full Redis]', async () => {
        const { one, engine, pending, grant, fill, empty } = await opened();
        const [revoked, released, one1, one2] = [await grant('a:1'), await grant('a:2'), await grant('a:3'), await grant('a:4')];
        const [denied, cancelled, asked] = [await pending('b:1'), await pending('b:2'), await pending('b:3')];
        await fill();
        expect(await engine.isAllowed('user:maya', 'a:1')).toBe(true);
        const ends = [
          () => engine.revoke(revoked, SAM),
          () => engine.release(released, { by: 'user:maya' }),
          () => engine.deny(denied, { ...SAM, reason: 'no' }),
          () => engine.cancel(cancelled, { by: 'user:maya' }),
        ];
        for (const end of ends) expect(await end().then(() => 'done', String)).toBe('done');
        for (const scope of ['a:1', 'a:2']) expect(await engine.isAllowed('user:maya', scope)).toBe(false);
        for (const refused of [
          () => engine.requestAccess(ask('c:1')),
          () => engine.approve(asked, SAM),
          () => engine.breakGlass({ ...ask('c:2'), justification: 'fire' }),
        ]) {
          await expect(refused()).rejects.toThrow(/OOM/);
        }
        expect((await engine.revokeAll({ subject: 'user:maya' }, SAM)).grants.map(({ id }) => id).sort()).toEqual([one1, one2].sort());
        await empty();
        expect(await verifyStore(one)).toMatchObject({ ok: true });
        await engine.close();
      });

      it('still revokes where a revoke is sent together with requests [full Redis]', async () => {
        const { engine, grant, fill } = await opened();
        const grants = [await grant('a:1'), await grant('a:2')];
        await fill();
        const asks = Array.from({ length: 8 }, (_, i) => engine.requestAccess(ask(`c:${i}`, `user:${i}`)));
        const revokes = grants.map((id) => engine.revoke(id, SAM));
        const [asked, revoked] = await Promise.all([Promise.allSettled(asks), Promise.allSettled(revokes)]);
        expect(new Set(asked.map(({ status }) => status))).toEqual(new Set(['rejected']));
        expect(revoked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled']);
        await engine.close();
      });

      it('judges each change of one script separately [full Redis]', async () => {
        const { one, fill } = await opened();
        await one.commit(aChange({ put: [aRow({ id: 'old' })], append: [anEntry({ namespace: one.namespace, id: 'old.1' })] }));
        await fill();
        const added = aChange({ put: [aRow({ id: 'new' })], append: [anEntry({ namespace: one.namespace, id: 'new.1' })] });
        const ended = aChange({
          put: [aRow({ id: 'old', version: 2, open: false })],
          append: [anEntry({ namespace: one.namespace, id: 'end.1' })],
        });
        const noted = aChange({ append: [anEntry({ namespace: one.namespace, id: 'note.1' })] });
        const outcomes = await Promise.allSettled([added, ended, noted].map((change) => one.commit(change)));
        expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value.outcome : String(outcome.reason)))).toEqual([
          expect.stringMatching(/StoreError.*OOM/),
          'committed',
          expect.stringMatching(/StoreError.*OOM/),
        ]);
        expect((await one.journal({ after: 0, limit: 9 })).entries.map(({ id }) => id)).toEqual(['old.1', 'end.1']);
      });

      it('still records ends, and purges ended grants, which frees memory [full Redis]', async () => {
        const { one, clock, engine, grant, fill } = await opened();
        await grant('a:1');
        await fill();
        await clock.advance('2h');
        expect(await engine.sweep().catch(String)).toMatchObject({ ended: 1 });
        await clock.advance('1h');
        const purged = await purge(engine, { before: clock.now(), by: 'user:ciso', force: true }).catch(String);
        expect(purged).toMatchObject({ requests: 1, grants: 1 });
        expect((await one.find({ kind: 'grant', limit: 1 })).items).toEqual([]);
        await engine.close();
      });
    },
    { own: true },
  );
}
