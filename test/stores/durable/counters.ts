import type { AuditEntry, GrantStore } from 'jit-access';
import { verifyJournal } from 'jit-access/journal';
import { isCommit, Proxy } from '../proxy.js';
import { COUNTERS, NAMESPACES, PROCESSES, type Report } from './count.js';
import { openStore, type Place } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { entriesOf } from './verdict.js';
import { Worker } from './workers.js';

/** One of this many commits loses its reply. */
const LOSSES = 15;
const LOST_IN_ROUND = 10;

export interface Counted {
  /** How many changes were acknowledged. A change that was committed again counts once. */
  readonly acknowledged: number;
  /** How many commits have lost their reply. 0 on SQLite, which has no network. */
  readonly lost: number;
  readonly violations: readonly string[];
}

/**
 * Four processes write to twelve namespaces, each through one pool. In each round commits lose their replies, all
 * connections are ended, and one process is killed with -9 and replaced.
 *
 * @param rounds how often
 * @param most the greatest number of changes that are acknowledged before a round ends; at least half of it is
 */
export async function counts(durable: Durable, rounds: number, most: number, seed: number): Promise<Counted> {
  const chance = new Seeded(seed);
  const root = durable.namespace();
  const proxy = durable.place.kind === 'sqlite' ? undefined : await Proxy.to(durable.place.where);
  let lost = 0;
  proxy?.intercept((data) => {
    if (!isCommit(data) || chance.below(LOSSES) > 0) return 'pass';
    lost += 1;
    return 'cut the reply';
  });
  const processes = new Processes(placeBehind(proxy, durable.place, root), root, seed);
  await Promise.all(Array.from({ length: PROCESSES }, (_, i) => processes.start(i)));
  for (let round = 1; round <= rounds; round++) {
    const enough = processes.acknowledged.size + most / 2 + chance.below(most / 2);
    const isEnough = () => processes.acknowledged.size >= enough && (proxy === undefined || lost >= round * LOST_IN_ROUND);
    // After a violation the run only has to end.
    while (!isEnough() && processes.violations.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    if (durable.disconnect === undefined) proxy?.reset();
    else await durable.disconnect(root);
    await processes.replace(chance.below(PROCESSES));
  }
  proxy?.mend();
  await processes.end();
  await proxy?.close();

  const { reports, acknowledged, violations } = processes;
  const { store, close } = await openStore(durable.place, { namespace: root });
  for (const [i, namespace] of namespacesOf(root).entries()) {
    const about = reports.filter((report) => report.place === i);
    violations.push(...(await wrongsIn(store.in(namespace), about)).map((wrong) => `namespace ${i}: ${wrong}`));
  }
  await close();
  return { acknowledged: acknowledged.size, lost, violations };
}

const namespacesOf = (root: string): readonly string[] => Array.from({ length: NAMESPACES }, (_, i) => `${root}-${i}`);

/** The processes of one run, and what they have reported. */
class Processes {
  readonly reports: Report[] = [];
  readonly acknowledged = new Set<string>();
  readonly violations: string[] = [];
  readonly #place: Place;
  readonly #root: string;
  readonly #chance: Seeded;
  readonly #running: { readonly worker: Worker; readonly work: Promise<unknown> }[] = [];
  readonly #killed = new Set<Worker>();
  #started = 0;

  constructor(place: Place, root: string, seed: number) {
    this.#place = place;
    this.#root = root;
    this.#chance = new Seeded(seed, 1);
  }

  /** @param process which of them */
  async start(process: number): Promise<void> {
    const name = `w${++this.#started}`;
    const seed = this.#chance.below(2 ** 31);
    const worker = await Worker.start({ place: this.#place, namespace: this.#root });
    worker.onCounted = (report) => {
      this.reports.push(report);
      if (report.ending === 'committed') this.acknowledged.add(`${report.place} ${report.entries[0]}`);
      if (report.wrong !== undefined) this.violations.push(report.wrong);
    };
    const work = worker.order({ do: 'count', namespaces: namespacesOf(this.#root), process, seed, name }).catch((error: unknown) => {
      if (!this.#killed.has(worker)) this.violations.push(`process ${name} failed: ${String(error)}`);
    });
    this.#running[process] = { worker, work };
  }

  async replace(process: number): Promise<void> {
    await this.#kill(process);
    await this.start(process);
  }

  /** Waits until no change is in flight, and ends the processes. */
  async end(): Promise<void> {
    await Promise.all(
      this.#running.map(async ({ worker, work }, process) => {
        await Promise.race([work, worker.order({ do: 'rest' })]);
        await work;
        await this.#kill(process);
      }),
    );
  }

  async #kill(process: number): Promise<void> {
    const { worker } = this.#running[process] ?? {};
    if (worker === undefined) return;
    this.#killed.add(worker);
    await worker.kill();
  }
}

/** @param name of the connections, so that only these are ended on a server that other tests use */
export function placeBehind(proxy: Proxy | undefined, place: Place, name: string): Place {
  if (proxy === undefined) return place;
  const url = new URL(proxy.url);
  if (place.kind === 'postgres') url.searchParams.set('application_name', name);
  return { ...place, where: url.href };
}

/** Finds what is wrong in one namespace: a broken chain, or a change that was lost, applied twice, in part, or elsewhere. */
async function wrongsIn(store: GrantStore, reports: readonly Report[]): Promise<readonly string[]> {
  const entries = await entriesOf(store);
  const { start, head } = await store.journal({ after: 0, limit: 1 });
  const journal = await verifyJournal(entries, { start, head });
  return [
    ...(journal.ok ? [] : [`the journal is broken at ${journal.seq}: ${journal.problem}`]),
    ...wrongEntries(store.namespace, entries),
    ...reports.flatMap((report) => wrongReport(report, entries)),
    ...(await wrongCounters(store, entries)),
  ];
}

function wrongEntries(namespace: string, entries: readonly AuditEntry[]): readonly string[] {
  const wrong: string[] = [];
  /** The entries of each change. */
  const parts = new Map<string, AuditEntry[]>();
  for (const entry of entries) {
    if (entry.data['namespace'] !== namespace) wrong.push(`${entry.id} belongs to another namespace`);
    const change = entry.id.replace(/\.\d+$/, '');
    parts.set(change, [...(parts.get(change) ?? []), entry]);
  }
  for (const [change, own] of parts) {
    const ids = own.map(({ id }) => id);
    if (new Set(ids).size < ids.length) wrong.push(`${change} was applied more than once`);
    if (new Set(ids).size !== own[0]?.data['entries']) wrong.push(`${change} was applied in part`);
  }
  return wrong;
}

function wrongReport({ entries: ids, ending, head }: Report, entries: readonly AuditEntry[]): readonly string[] {
  const [id] = ids;
  const last = entries.findLast((entry) => ids.includes(entry.id));
  const wrong: string[] = [];
  if (ending === 'committed' && last === undefined) wrong.push(`${id} was acknowledged, and is gone`);
  if (ending !== 'committed' && last !== undefined) wrong.push(`${id} was ${ending}, and is applied`);
  if (head === undefined) return wrong;
  if (head.seq > 0 && entries[head.seq - 1]?.hash !== head.hash) wrong.push(`the head that ${id} was answered is not in the journal`);
  if (last !== undefined && last.seq > head.seq) wrong.push(`the head that ${id} was answered is older than its entry`);
  return wrong;
}

async function wrongCounters(store: GrantStore, entries: readonly AuditEntry[]): Promise<readonly string[]> {
  const rows = await store.get(Array.from({ length: COUNTERS }, (_, i) => ({ kind: 'counter', id: `c${i}` })));
  return rows.flatMap((row, i) => {
    const added = entries.filter(({ data }) => data['counter'] === i).length;
    const [count, version] = [Number(row?.body['count'] ?? 0), row?.version ?? 0];
    if (row !== undefined && row.body['namespace'] !== store.namespace) return [`counter ${i} belongs to another namespace`];
    return count === added && version === added ? [] : [`counter ${i} is ${count} at version ${version} after ${added} additions`];
  });
}
