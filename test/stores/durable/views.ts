import { createChecker } from 'jit-access/check';
import type { Clock, GrantStore } from 'jit-access';
import type { Row } from 'jit-access/store';
import { createView, type LiveView, type ViewOptions } from 'jit-access/view';
import { isEnd } from './answers.js';
import { openStore } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { spin } from './spin.js';
import { Worker } from './workers.js';

const LANES = 8;
/** A writer dies after so many transitions, and up to half as many more: by then it has revoked many grants. */
const LEAST_ACKS = 200;
const MAX_STALE_MS = 1_000;
/** How many writers die, one after the other, under the same views. */
const KILLS_A_ROUND = 10;
/** The loads and memories that a view can have. */
export const VIEWS: readonly ViewOptions[] = [{ load: 'all' }, { load: 'asked' }, { load: 'all', keep: 'nothing' }];

export interface Followed {
  readonly count: number;
  /** The answers that were compared with the store. */
  readonly compared: number;
  readonly violations: readonly string[];
}

interface Watching {
  readonly view: LiveView;
  readonly close: () => Promise<void>;
}

/**
 * Kills writers with -9 while three views follow, each over connections of its own. After each kill, the views answer as a check of the
 * store does, and none allows by a revoked grant.
 *
 * @param byItself whether the views must deny within `maxStaleMs` by themselves (L45), which takes real time. Default: they are refreshed
 */
export async function viewsFollow(
  durable: Durable,
  count: number,
  seed: number,
  { byItself = false, progress }: { readonly byItself?: boolean; readonly progress?: ((sofar: string) => void) | undefined } = {},
): Promise<Followed> {
  const violations: string[] = [];
  let compared = 0;
  for (let killed = 0; killed < count;) {
    const namespace = durable.namespace();
    const { store, close } = await openStore(durable.place, { namespace });
    const watching = await Promise.all(VIEWS.map((options) => watch(durable, namespace, options, violations)));
    const views = watching.map(({ view }) => view);
    for (let i = 0; i < KILLS_A_ROUND && killed < count; i++, killed++) {
      const where = `kill ${killed} on ${durable.place.kind}`;
      const revoked = await killOne(durable, namespace, seed, killed);
      if (byItself) await new Promise((resolve) => setTimeout(resolve, MAX_STALE_MS));
      else await Promise.all(views.map((view) => view.refresh()));
      for (const row of await rowsOf(store, revoked)) {
        for (const view of views)
          if (view.isAllowed(row.subject ?? '', row.scope ?? '')) violations.push(`${where}: ${row.id} allows after its revoke`);
      }
      compared += await compareViews(store, views, (wrong) => violations.push(`${where}: ${wrong}`));
    }
    for (const one of watching) await one.close();
    await close();
    progress?.(`${killed} of ${count} kills`);
  }
  return { count, compared, violations };
}

async function watch(durable: Durable, namespace: string, options: ViewOptions, violations: string[]): Promise<Watching> {
  const { store, close } = await openStore(durable.place, { namespace });
  const onError = (error: unknown) => violations.push(`a view reported ${String(error)}`);
  const view = createView({ ...options, store, maxStaleMs: MAX_STALE_MS, countedGrants: 'allow', onError });
  await view.refresh();
  return {
    view,
    async close() {
      view.close();
      await close();
    },
  };
}

/** @returns the ids of the grants whose revoke was acknowledged */
async function killOne(durable: Durable, namespace: string, seed: number, which: number): Promise<readonly string[]> {
  const chance = new Seeded(seed, which);
  const worker = await Worker.start({ place: durable.place, namespace });
  const enough = LEAST_ACKS + chance.below(LEAST_ACKS / 2);
  const before = chance.below(3_000);
  const revoked: string[] = [];
  let acknowledged = 0;
  await new Promise<void>((resolve, reject) => {
    worker.onAck = (ack) => {
      revoked.push(...ack.flatMap(([type, id]) => (isEnd(type) ? [id] : [])));
      acknowledged += ack.length;
      if (acknowledged < enough || acknowledged - ack.length >= enough) return;
      spin(before);
      worker.kill().then(resolve, reject);
    };
    worker.order({ do: 'churn', seed: chance.below(2 ** 31), name: `w${which}`, lanes: LANES }).catch((error: unknown) => {
      if (acknowledged < enough) reject(error);
    });
  });
  return revoked;
}

async function rowsOf(store: GrantStore, ids: readonly string[]): Promise<readonly Row[]> {
  const rows = ids.length === 0 ? [] : await store.get(ids.map((id) => ({ kind: 'grant', id })));
  return rows.filter((row) => row !== undefined);
}

/** Compares the answers about every pair that has had a grant. @returns how many */
export async function compareViews(
  store: GrantStore,
  views: readonly LiveView[],
  wrong: (text: string) => void,
  clock?: Clock,
): Promise<number> {
  const checker = createChecker({ store, clock, countedGrants: 'allow' });
  const pairs = new Map<string, Row>();
  for (let after: string | undefined; ;) {
    const { items, next } = await store.find({ kind: 'grant', limit: 1_000, after });
    for (const row of items) pairs.set(`${row.subject}\n${row.scope}`, row);
    if (next === undefined) break;
    after = next;
  }
  const asked = [...pairs.values()];
  // The first answers load the subjects of the view that loads what is asked.
  for (const { subject, scope } of asked) for (const view of views) view.isAllowed(subject ?? '', scope ?? '');
  for (let loads = 0; loads <= asked.length / 1_000; loads++) {
    await Promise.all(views.map((view) => view.refresh()));
    for (const { subject, scope } of asked) for (const view of views) view.isAllowed(subject ?? '', scope ?? '');
  }
  await Promise.all(views.map((view) => view.refresh()));
  for (const { subject = '', scope = '' } of asked) {
    const expected = await checker.check(subject, scope);
    for (const [i, view] of views.entries()) {
      const found = view.check(subject, scope);
      const isSame =
        found.reason === expected.reason && found.validUntil === expected.validUntil && (i === 2 || found.grantId === expected.grant?.id);
      if (!isSame) wrong(`view ${i} answers ${found.reason} about ${subject} and ${scope}, and the check ${expected.reason}`);
    }
  }
  return asked.length * views.length;
}
