import { setTimeout as later } from 'node:timers/promises';
import { JitEngine, reviewers, type Anchor, type GrantStore } from 'jit-access';
import { journalHead, verifyStore } from 'jit-access/journal';
import { migrate, sqlGrantStore } from 'jit-access/sql';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isRequired } from '../../required.js';
import { entriesOf } from '../durable/verdict.js';
import { kyselyOn } from '../sql/postgres.js';
import { Cluster, hasPatroni, TIMES, until, type Node } from './cluster.js';

/*
 * `npm run test:stores -- patroni`: a primary that is cut off from etcd and from its replica, while a process beside it still reaches
 * it. It takes minutes, most of them the `ttl` of Patroni, which is at least 20 seconds. It prints what it measures, for
 * docs/guides/stores/patroni.md.
 */

const ASKED = { subject: 'user:maya', scope: 'db-prod:write' } as const;
/** How long Patroni is suspended after the revoke: any longer time would be measured as well. */
const SUSPENDED_MS = 5_000;

const seconds = (ms: number): string => `${(ms / 1_000).toFixed(1)} s`;

/** A process beside a node: a store over it, and what this process measures. */
class Side {
  readonly store: GrantStore;
  readonly engine: JitEngine;
  readonly #pool: pg.Pool;

  constructor({ url }: Node) {
    this.#pool = new pg.Pool({ connectionString: url, max: 8, connectionTimeoutMillis: 1_000 });
    this.#pool.on('error', () => undefined);
    this.#pool.on('connect', (client) => client.on('error', () => undefined));
    this.store = sqlGrantStore({ db: kyselyOn(this.#pool, 1_000), dialect: 'postgres', namespace: 'payments', timeoutMs: 500 });
    this.engine = new JitEngine({
      store: this.store,
      approver: reviewers({ members: ['user:sam'] }),
      limits: { resendMs: 1_000 },
      onError: () => undefined,
    });
  }

  migrate = () => migrate({ db: kyselyOn(this.#pool), dialect: 'postgres' });

  async grant(ask: { readonly subject: string; readonly scope: string }): Promise<void> {
    const { request } = await this.engine.requestAccess({ ...ask, ttl: '1h' });
    await this.engine.approve(request.id, { by: 'user:sam' });
  }

  async close(): Promise<void> {
    await this.engine.close();
    await this.#pool.end();
  }
}

/** Checks as fast as the server answers, until it is stopped. */
class Checks {
  /** The last instant at which a check that allowed began. */
  lastAllowed = 0;
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor({ engine }: Side) {
    this.#running = this.#run(engine);
  }

  async #run(engine: JitEngine): Promise<void> {
    while (!this.#isStopped) {
      const began = Date.now();
      const isAllowed = await engine.isAllowed(ASKED.subject, ASKED.scope).catch(() => false);
      if (isAllowed) this.lastAllowed = began;
      else await later(5);
    }
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#running;
  }
}

let drawn = 0;

/** Asks for access without a pause, until it is stopped. */
class Writes {
  /** The ids of the requests that were acknowledged. */
  readonly acknowledged: string[] = [];
  /** The newest head that this process has seen. */
  head: Anchor | undefined;
  #isStopped = false;
  readonly #running: Promise<void>;

  constructor({ engine }: Side) {
    this.#running = this.#run(engine);
  }

  async #run(engine: JitEngine): Promise<void> {
    while (!this.#isStopped) {
      try {
        const { request } = await engine.requestAccess({ subject: `user:${++drawn}`, scope: ASKED.scope, ttl: '1h' });
        this.acknowledged.push(request.id);
        this.head = await journalHead(engine);
      } catch {
        await later(5);
      }
    }
  }

  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#running;
  }
}

const MODES = { 'asynchronous replication': false, 'synchronous_mode with synchronous_mode_strict': true };

if (process.env['JIT_TEST_PATRONI'] === '1' && hasPatroni) {
  describe.each(Object.entries(MODES))('PostgreSQL under Patroni, with %s', (mode, synchronous) => {
    let cluster: Cluster;
    let sides: ReadonlyMap<Node, Side>;
    beforeAll(async () => {
      cluster = await Cluster.start({ synchronous });
      sides = new Map(cluster.nodes.map((node) => [node, new Side(node)]));
      await beside(await cluster.settled()).migrate();
    });
    afterAll(async () => {
      for (const side of sides?.values() ?? []) await side.close();
      await cluster?.stop();
    });
    const beside = (node: Node) => sides.get(node) as Side;
    const say = (text: string) => console.log(`patroni, ${mode}, ttl ${TIMES.ttl} s: ${text}`);

    /** Cuts the primary off, waits until another server is the primary, and revokes there what the old one allowed. */
    async function cutOffAndRevoke({ suspends }: { readonly suspends: boolean }) {
      const old = await cluster.settled();
      await beside(old).grant(ASKED);
      const [checks, writes] = [new Checks(beside(old)), new Writes(beside(old))];
      await until(async () => checks.lastAllowed > 0 && writes.acknowledged.length > 5);
      const before = writes.acknowledged.length;
      if (suspends) old.suspendPatroni();
      old.cutOff();
      const cutAt = Date.now();
      const others = cluster.nodes.filter((node) => node !== old);
      let next: Node | undefined;
      await until(async () => (next = await cluster.primaryAmong(others)) !== undefined);
      const promotedAt = Date.now();
      const { engine, store } = beside(next as Node);
      // Its connections may be from before the promotion, and a synchronous primary first waits for its replica.
      await until(() =>
        engine.revokeAll({ subject: ASKED.subject }, { by: 'user:sam', reason: 'left' }).then(
          ({ matched }) => matched,
          () => false,
        ),
      );
      const revokedAt = Date.now();
      expect(await engine.isAllowed(ASKED.subject, ASKED.scope)).toBe(false);
      if (suspends) {
        await later(SUSPENDED_MS);
        old.resumePatroni();
        const resumedAt = Date.now();
        await until(async () => !/^primary/.test(await old.role()) && Date.now() - checks.lastAllowed > 1_000);
        say(
          `Patroni suspended until ${seconds(resumedAt - revokedAt)} after the revoke: the old primary allowed the revoked grant for ` +
            `${seconds(checks.lastAllowed - revokedAt)}, of which ${seconds(Math.max(0, checks.lastAllowed - resumedAt))} after Patroni ran again`,
        );
      } else {
        say(
          `the old primary allowed for ${seconds(checks.lastAllowed - cutAt)} after the cut, and the new one was promoted after ` +
            `${seconds(promotedAt - cutAt)}: a revoked grant was allowed for ${seconds(Math.max(0, checks.lastAllowed - revokedAt))}`,
        );
      }
      await checks.stop();
      await writes.stop();
      const kept = new Set((await entriesOf(store)).map(({ requestId }) => requestId));
      const lost = writes.acknowledged.filter((id) => !kept.has(id)).length;
      say(`of ${writes.acknowledged.length - before} changes that the old primary acknowledged after the cut, ${lost} are lost`);
      return { old, store, head: writes.head as Anchor, overlapMs: checks.lastAllowed - revokedAt, lost };
    }

    it('a primary that is cut off denies before another one answers, and the loss of what it acknowledged alone is noticed (L40, L41)', async () => {
      try {
        const { old, store, head, overlapMs, lost } = await cutOffAndRevoke({ suspends: false });
        expect(overlapMs).toBeLessThan(0);
        if (synchronous) expect(lost).toBe(0);
        else expect(lost).toBeGreaterThan(0);
        // The process beside the old primary connects to the new one.
        const moved = new JitEngine({ store, approver: reviewers({ members: ['user:sam'] }), knownHead: head });
        const asked = moved.requestAccess({ subject: 'user:noor', scope: 'db-prod:read', ttl: '1h' });
        if (synchronous) expect(await asked).toMatchObject({ outcome: 'pending' });
        else await expect(asked).rejects.toMatchObject({ code: 'ERR_JIT_ROLLBACK' });
        await moved.close();

        old.rejoin();
        await cluster.settled();
        await until(async () => /a standby answered/.test(await beside(old).engine.isAllowed('user:maya', 'a:b').then(String, String)));
        expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
      } catch (error) {
        throw new Error(cluster.logs(), { cause: error });
      }
    });

    it('a primary whose Patroni is suspended allows a revoked grant until Patroni runs again', async () => {
      try {
        const { old, store, overlapMs, lost } = await cutOffAndRevoke({ suspends: true });
        expect(overlapMs).toBeGreaterThan(SUSPENDED_MS / 2);
        if (synchronous) expect(lost).toBe(0);
        old.rejoin();
        await cluster.settled();
        expect(await verifyStore(store)).toMatchObject({ ok: true, differences: [] });
      } catch (error) {
        throw new Error(cluster.logs(), { cause: error });
      }
    });
  });
} else {
  it('PostgreSQL under Patroni is skipped: it takes minutes, run it by `npm run test:stores -- patroni`', () => {
    if (isRequired('patroni'))
      throw new Error('JIT_TEST_REQUIRE demands patroni: there is no patroni, etcd or pg_basebackup on this machine');
  });
}
