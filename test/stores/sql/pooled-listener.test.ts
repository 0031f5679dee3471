import { randomUUID } from 'node:crypto';
import { JitEngine, reviewers } from 'jit-access';
import { sqlGrantStore } from 'jit-access/sql';
import { createView } from 'jit-access/view';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { isRequired } from '../../required.js';
import { hasPooler, Pooler } from './pooler.js';
import { kyselyOn, Postgres } from './postgres.js';

const LEFT_OUT = 'there is no pgbouncer on the PATH';

if (hasPooler) {
  describe('LISTEN behind a pooler in transaction mode', () => {
    let postgres: Postgres;
    let pooler: Pooler;
    beforeAll(async () => {
      postgres = await Postgres.migrated({ own: true });
      pooler = await Pooler.before(postgres.url, { prepared: 200 });
    });
    afterAll(async () => {
      await pooler.stop();
      await postgres.stop();
    });

    it.each(['db and read', 'read'])(
      'is reported once, and a view follows by its polls, where the pooler is between %s and the server',
      async (where) => {
        const behind = postgres.heardPool({ connectionString: pooler.url, max: 4 });
        const direct = postgres.heardPool({ max: 4 });
        const namespace = randomUUID();
        const reports: unknown[][] = [];
        const onError = (...report: unknown[]) => void reports.push(report);
        const db = kyselyOn(where === 'read' ? direct : behind);
        const view = createView({
          store: sqlGrantStore({ db, dialect: 'postgres', namespace, read: behind, timeoutMs: 1_000, onError }),
          maxStaleMs: 60_000,
          pollMs: 20,
        });
        const engine = new JitEngine({
          store: sqlGrantStore({ db: kyselyOn(direct), dialect: 'postgres', namespace }),
          approver: reviewers({ members: ['user:sam'] }),
        });
        await vi.waitUntil(() => reports.length > 0, { timeout: 30_000, interval: 5 });
        expect(reports).toEqual([[expect.objectContaining({ code: 'ERR_JIT_STORE', operation: 'watch' }), 'listen']]);

        const { request } = await engine.requestAccess({ subject: 'user:maya', scope: 'db-prod:write', ttl: '1h' });
        await engine.approve(request.id, { by: 'user:sam' });
        await vi.waitUntil(() => view.isAllowed('user:maya', 'db-prod:write'), { timeout: 30_000, interval: 5 });
        await engine.revokeAll({ subject: 'user:maya' }, { by: 'user:sam' });
        await vi.waitUntil(() => !view.isAllowed('user:maya', 'db-prod:write'), { timeout: 30_000, interval: 5 });
        expect(reports).toHaveLength(1);
        view.close();
        await engine.close();
      },
      90_000,
    );
  });
} else {
  console.warn(`left out: LISTEN behind a pooler (${LEFT_OUT})`);
  it(`LISTEN behind a pooler is skipped: ${LEFT_OUT}`, () => {
    if (isRequired('pgbouncer')) throw new Error(`JIT_TEST_REQUIRE demands pgbouncer: ${LEFT_OUT}`);
  });
}
