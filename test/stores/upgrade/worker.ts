/*
 * A process with an engine of one version of the package. It executes the orders of its parent process, and ends with it. One version is a
 * release, so the program uses only what 0.1.0 exports.
 *
 * worker.mjs <JSON of WorkerOptions>
 */
import { isJitError, JitEngine, reviewers } from 'jit-access';
import { readJournal, verifyStore } from 'jit-access/journal';
import { contractNamespaces, fromNodeRedis } from 'jit-access/redis';
import { migrate, resilientHandle, resilientPool, sqlMigrations, type SqlDialect, type SqlMigration } from 'jit-access/sql';
import { aChange, aRow } from 'jit-access/testing';
import { CompiledQuery, Kysely, PostgresDialect, SqliteDialect } from 'kysely';
import pg from 'pg';
import { createClient } from 'redis';
import { Dice } from '../../model/dice.js';
import { openStore } from '../durable/place.js';
import { sqliteDriver } from '../sql/drivers.js';
import type { Ack, Load, Order, WorkerOptions } from './processes.js';

const options = JSON.parse(process.argv[2] ?? '') as WorkerOptions;
process.on('disconnect', () => process.exit());

const { name, place, namespace, seed } = options;
const { store } = await openStore(place, { namespace });
const reviewer = `user:reviewer-${name}`;
const engine = new JitEngine({
  store,
  approver: reviewers({ members: ['user:reviewer-released', 'user:reviewer-this', 'user:reviewer-next'] }),
  onError: () => undefined,
});
const dice = new Dice(seed);
const say = (message: object) => new Promise<void>((resolve) => process.send?.(message, undefined, {}, () => resolve()));

async function withDatabase<T>(use: (db: Kysely<unknown>, dialect: SqlDialect) => Promise<T>): Promise<T> {
  const { kind, where } = place;
  if (kind === 'postgres') {
    const pool = new pg.Pool({ connectionString: where, max: 2 });
    return use(new Kysely({ dialect: new PostgresDialect({ pool: resilientPool(pool) }) }), kind).finally(() => pool.end());
  }
  const handle = new sqliteDriver(where);
  return use(new Kysely({ dialect: new SqliteDialect({ database: resilientHandle(handle) }) }), 'sqlite').finally(() => handle.close());
}

/** Each acknowledged change that the store lacks, and each promise that it breaks. The next version also looks for what only it writes. */
async function judge(head: number, acks: readonly Ack[]): Promise<readonly string[]> {
  const violations = (await verifyStore(store)).differences.map(({ kind, id, problem }) => `${kind} ${id}: ${problem}`);
  const askedByNext = new Set<string | undefined>();
  for await (const { seq, type, actor, requestId, data } of readJournal(store)) {
    const by = type === 'request.created' ? data['justification'] : actor.replace('user:reviewer-', '');
    if (type === 'request.created' && by === 'next') askedByNext.add(requestId);
    if (seq > head && (by === 'released' || by === 'this')) violations.push(`entry ${seq} is of the old version, after the contract`);
  }
  for (const ack of acks) {
    if ('asked' in ack && (await engine.getRequest(ack.asked)) === undefined) violations.push(`request ${ack.asked} is lost`);
    if ('revoked' in ack && (await engine.getGrant(ack.revoked))?.end?.status !== 'revoked')
      violations.push(`grant ${ack.revoked} is not revoked`);
  }
  if (name !== 'next') return violations;
  const rows = place.kind === 'redis' ? await rowsInRedis() : await rowsInTables();
  for (const { id, label, layout, body } of rows) {
    const { more } = JSON.parse(body) as { readonly more?: { readonly label?: string } };
    if (askedByNext.has(id) && more?.label !== `of ${id}`) violations.push(`request ${id} has lost its silent field`);
    if ((more?.label ?? null) !== label) violations.push(`the column of request ${id} is ${label}`);
    if (Number(layout) !== 2) violations.push(`request ${id} has layout ${String(layout)}`);
  }
  if (askedByNext.size < 50 || rows.length < 200) violations.push('too few requests were made');
  return violations;
}

/** A request as it is stored, with its column for the silent field. */
interface StoredRequest {
  readonly id: string;
  readonly label: string | null;
  readonly layout: unknown;
  readonly body: string;
}

const rowsInTables = () =>
  withDatabase(async (db): Promise<readonly StoredRequest[]> => {
    const query = CompiledQuery.raw(`select id, label, layout, body from jit_rows where kind = 'request'`);
    return (await db.executeQuery<StoredRequest>(query)).rows;
  });

/** Redis has no column for the field, and no layout in the row: a line of the index names each row that the contract must rewrite. */
async function rowsInRedis(): Promise<readonly StoredRequest[]> {
  const found: StoredRequest[] = [];
  for (let after: string | undefined, isLast = false; !isLast; isLast = after === undefined) {
    const { items, next } = await store.find({ kind: 'request', after, limit: 500 });
    for (const { id, body } of items) {
      const { label = null } = (body['more'] ?? {}) as { readonly label?: string | null };
      found.push({ id, label, layout: 2, body: JSON.stringify(body) });
    }
    after = next;
  }
  return found;
}

async function contractInRedis(): Promise<unknown> {
  const client = createClient({ url: place.where });
  client.on('error', () => undefined);
  await client.connect();
  return contractNamespaces({ client: fromNodeRedis(client), namespaces: [namespace] }).finally(() => client.destroy());
}

/** Other processes may have decided, ended or locked the same record. */
const LOST = new Set(['ERR_JIT_DECIDED', 'ERR_JIT_ENDED', 'ERR_JIT_CONFLICT', 'ERR_JIT_LIMIT', 'ERR_JIT_NOT_FOUND', 'ERR_JIT_DEADLINE']);

async function aPending() {
  const { items } = await engine.listRequests({ status: 'pending', limit: 20 });
  return items.length === 0 ? undefined : dice.of(items);
}

async function aHeld() {
  const { items } = await engine.listGrants({ status: 'active', limit: 20 });
  return items.length === 0 ? undefined : dice.of(items);
}

/** One random operation, on records of both versions. */
async function operate(n: number): Promise<void> {
  const subject = `user:${dice.roll(8)}`;
  const scope = `db:${dice.roll(4)}`;
  switch (dice.roll(6)) {
    case 0:
    case 1: {
      const { request } = await engine.requestAccess({ subject, scope: `${scope}:${name}:${seed}:${n}`, ttl: '1h', justification: name });
      return say({ ack: { asked: request.id } });
    }
    case 2: {
      const request = await aPending();
      if (request !== undefined) await engine.approve(request.id, { by: reviewer });
      return;
    }
    case 3: {
      const request = await aPending();
      if (request !== undefined) await engine.cancel(request.id, { by: request.subject });
      return;
    }
    case 4: {
      const grant = await aHeld();
      if (grant === undefined) return;
      await engine.revoke(grant.id, { by: reviewer });
      await say({ ack: { revoked: grant.id } });
      if (await engine.isAllowed(grant.subject, grant.scope)) throw new Error(`grant ${grant.id} allows after its revoke`);
      return;
    }
    default: {
      const grant = await aHeld();
      if (grant !== undefined) await engine.isAllowed(grant.subject, grant.scope);
    }
  }
}

async function run(count: number): Promise<number> {
  let done = 0;
  for (let n = 0; n < count; n++) {
    await operate(n).catch((error: unknown) => {
      if (!isJitError(error) || !LOST.has(error.code)) throw error;
    });
    done += 1;
    await say({ done });
  }
  return done;
}

let isResting = false;

async function load(): Promise<Load> {
  isResting = false;
  const times = { checks: 0, commits: 0, longestCheck: 0, longestCommit: 0 };
  const { request } = await engine.requestAccess({ subject: 'user:loaded', scope: 'db:loaded', ttl: '1h', justification: name });
  await engine.approve(request.id, { by: reviewer });
  const checking = async () => {
    while (!isResting) {
      const begun = performance.now();
      if (!(await engine.isAllowed('user:loaded', 'db:loaded'))) throw new Error('a check was refused');
      times.longestCheck = Math.max(times.longestCheck, performance.now() - begun);
      times.checks += 1;
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  const committing = async () => {
    for (let n = 0; !isResting; n++) {
      const begun = performance.now();
      const asked = await engine.requestAccess({ subject: `user:${n}`, scope: 'db:x', ttl: '1h', justification: name });
      times.longestCommit = Math.max(times.longestCommit, performance.now() - begun);
      times.commits += 1;
      void say({ done: times.commits });
      await engine.cancel(asked.request.id, { by: `user:${n}` });
    }
  };
  await Promise.all([checking(), committing()]);
  return times;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.do) {
    case 'migrate':
      if (place.kind === 'redis') return contractInRedis();
      return withDatabase((db, dialect) => migrate({ db, dialect, contract: order.contract === true }));
    case 'up':
    case 'down':
      return withDatabase(async (db, dialect) => {
        const { locks, [order.do]: change } = sqlMigrations(dialect)['jit-access-0002'] as SqlMigration;
        await db.transaction().execute(async (trx) => change?.(trx));
        return locks;
      });
    case 'run':
      return run(order.count);
    case 'load':
      return load();
    case 'rest':
      isResting = true;
      return undefined;
    case 'comment': {
      const { request } = await engine.requestAccess({
        subject: 'user:commented',
        scope: `db:${Math.random()}`,
        ttl: '1h',
        justification: name,
      });
      return engine.comment(request.id, { by: reviewer, text: 'a binding feature' });
    }
    case 'remark': {
      const { request } = await engine.requestAccess({ subject: 'user:remarked', scope: `db:${Math.random()}`, ttl: '1h' });
      return (await engine.approve(request.id, { by: reviewer, comment: 'a binding field' })).request.reviews;
    }
    case 'memo':
      return store.commit(
        aChange({ put: [aRow({ kind: 'memo', id: order.id, subject: undefined, scope: undefined, open: false })], needs: 2 }),
      );
    case 'check':
      return engine.isAllowed(order.subject, order.scope);
    case 'head':
      return (await store.journal({ after: 0, limit: 1 })).head.seq;
    case 'judge':
      return judge(order.head, order.acks);
  }
}

process.on('message', (order: Order) => {
  obey(order).then(
    (value) => void say({ n: order.n, value }),
    (error: unknown) => {
      const { code, message } = error as { readonly code?: string; readonly message: string };
      void say({ n: order.n, error: { code, message } });
    },
  );
});
await say({ ready: true });
