import { JitEngine, type AuditEntry } from 'jit-access';
import { createView, type LiveView } from 'jit-access/view';
import { isCommit, Proxy } from '../proxy.js';
import { JournalOfAnswers, lookAt, type Pair, type Seen } from './answers.js';
import { placeBehind } from './counters.js';
import { engineOptions } from './door.js';
import { JumpingClock, machineTime } from './jumping-clock.js';
import { openStore, type Kind, type Opened } from './place.js';
import { Seeded } from './seeded.js';
import type { Durable } from './servers.js';
import { spin } from './spin.js';
import { entriesOf, wrongsOf } from './verdict.js';
import { compareViews, VIEWS } from './views.js';
import { Worker, type Acknowledged, type Order } from './workers.js';

const PROCESSES = 3;
const LANES = 6;
/** The clocks of the processes are so far apart. */
const APART_MS = 10_000;
/** Shorter access has expired by the faster clock when the slower process gives it. */
const HOLDER_TTL_MS = 2_000;
/** Of each call to a store: an answer that comes later than this finds a process that has given up. */
const TIMEOUT_MS = 1_000;
const MAX_STALE_MS = 1_000;
/** How far a clock is set ahead at once, which ends no access. */
const STEP_MS = 35_000;
/** A purge removes what ended a day ago. */
const DAY_MS = 25 * 3_600_000;
/** A fault that may stop every process ends after this time at the latest. */
const LONGEST_MS = 400;
/** A run that makes no progress for this long has failed. */
const STUCK_MS = 60_000;
/** How many pairs are asked about again, of those that were asked about before a view must have followed. */
const RECENT = 200;
/** How many faults happen in one namespace. */
const IN_NAMESPACE = 24;

const ANYWHERE = ['kill', 'kill', 'kill', 'suspend', 'full', 'step', 'day'] as const;
const ON_SERVERS = [...ANYWHERE, 'crash', 'disconnect', 'cut', 'lost reply', 'slow', 'late'] as const;
type Fault = (typeof ON_SERVERS)[number];

export interface Survived {
  /** The verbs that were acknowledged, and the checks that were answered. */
  readonly count: number;
  /** How often each fault happened. */
  readonly faults: ReadonlyMap<Fault, number>;
  /** How often each code of a refusal ended a life. */
  readonly refused: ReadonlyMap<string, number>;
  /** How many entries of each type the journals have. */
  readonly entries: ReadonlyMap<string, number>;
  /** How many answers of checks and views were judged. */
  readonly judged: number;
  readonly violations: readonly string[];
}

/** The figures of all namespaces of a run. */
class Counts {
  operations = 0;
  judged = 0;
  readonly faults = new Map<Fault, number>();
  readonly refused = new Map<string, number>();
  readonly entries = new Map<string, number>();
  readonly violations: string[] = [];
}

function add<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/**
 * Processes whose clocks are apart lead lives with every verb on one store, and check each change of a grant. In the meantime
 * processes are killed and suspended, the server is killed, the network delays, cuts and answers late, the disk is full, and all clocks are
 * set ahead, so that purges remove what has ended. Afterwards the journal alone says whether each answer and each acknowledgement is
 * right, and the rows follow from it.
 *
 * @param faults how many happen
 * @param between after this many operations, and up to twice as many, the next one happens
 */
export async function chaos(
  durable: Durable,
  faults: number,
  between: number,
  seed: number,
  progress?: (sofar: string) => void,
): Promise<Survived> {
  const counts = new Counts();
  for (let done = 0, n = 0; done < faults; n++) {
    const inThis = Math.min(IN_NAMESPACE, faults - done);
    const chance = new Seeded(seed, n);
    const round = await Round.begin(durable, chance, counts);
    try {
      for (const fault of faultsOn(durable.place.kind, inThis, chance)) {
        await round.progress(between + chance.below(between));
        if (round.wrong.length > 0) break;
        add(counts.faults, fault);
        await round.strike(fault);
      }
      await round.progress(between);
      await round.end();
    } catch (error) {
      round.wrong.push(`it failed: ${String(error)}`);
    } finally {
      await round.close();
    }
    counts.violations.push(...round.wrong.map((one) => `namespace ${n} on ${durable.place.kind}: ${one}`));
    done += inThis;
    progress?.(`${done} of ${faults} faults, ${counts.operations} operations`);
  }
  return { ...counts, count: counts.operations };
}

/** In a drawn order. Each kind happens once before any happens again. */
function faultsOn(kind: Kind, count: number, chance: Seeded): readonly Fault[] {
  const faults: Fault[] = [];
  while (faults.length < count) {
    const left: Fault[] = kind === 'sqlite' ? [...ANYWHERE] : [...ON_SERVERS];
    while (left.length > 0) faults.push(...left.splice(chance.below(left.length), 1));
  }
  return faults.slice(0, count);
}

interface Process {
  readonly worker: Worker;
  readonly work: Promise<unknown>;
}

/** One namespace, with its processes. This process watches: it reads the journal before a purge trims it, and checks what the others change. */
class Round {
  /** What is wrong in this namespace. */
  readonly wrong: string[] = [];
  readonly #chance: Seeded;
  /** Of its own: the faults do not depend on the order in which messages arrive. */
  readonly #chanceOfTurns: Seeded;
  readonly #durable: Durable;
  readonly #counts: Counts;
  readonly #namespace: string;
  readonly #clock = new JumpingClock();
  readonly #near: Opened;
  readonly #engine: JitEngine;
  readonly #views: readonly LiveView[];
  /** Between each process and the server. */
  readonly #proxies: readonly Proxy[];
  readonly #running: Process[] = [];
  readonly #killed = new Set<Worker>();
  /** By number. A sink may receive an entry again. */
  readonly #archive = new Map<number, AuditEntry>();
  readonly #acknowledged: (Acknowledged & { readonly process: number })[] = [];
  readonly #seen: Seen[] = [];
  readonly #looking = new Set<Promise<unknown>>();
  #started = 0;
  #aheadMs = 0;
  #isOver = false;
  #isClosed = false;
  #archiving: Promise<unknown> = Promise.resolve();

  private constructor(durable: Durable, near: Opened, proxies: readonly Proxy[], chance: Seeded, counts: Counts) {
    const { store } = near;
    this.#chance = chance;
    this.#chanceOfTurns = new Seeded(chance.below(2 ** 31));
    this.#durable = durable;
    this.#near = near;
    this.#counts = counts;
    this.#namespace = store.namespace;
    this.#proxies = proxies;
    const archive = { name: 'archive', write: (entries: readonly AuditEntry[]) => this.#keep(entries) };
    const onError = () => undefined;
    this.#engine = new JitEngine({ ...engineOptions(), store, clock: this.#clock, audit: archive, onError });
    this.#views = VIEWS.map((options) =>
      createView({ ...options, store, clock: this.#clock, maxStaleMs: MAX_STALE_MS, countedGrants: 'allow', onError }),
    );
  }

  static async begin(durable: Durable, chance: Seeded, counts: Counts): Promise<Round> {
    const { kind, where } = durable.place;
    const proxies = kind === 'sqlite' ? [] : await Promise.all(Array.from({ length: PROCESSES }, () => Proxy.to(where)));
    const round = new Round(durable, await openStore(durable.place, { namespace: durable.namespace() }), proxies, chance, counts);
    await Promise.all(Array.from({ length: PROCESSES }, (_, i) => round.#start(i)));
    round.#archiving = round.#readJournal();
    return round;
  }

  /** Waits for so many operations. @throws Error if there is none for long */
  async progress(operations: number): Promise<void> {
    for (const enough = this.#counts.operations + operations; this.#counts.operations < enough && this.wrong.length === 0;) {
      const before = this.#counts.operations;
      await this.more(1, STUCK_MS);
      if (this.#counts.operations === before && this.wrong.length === 0) throw new Error('the processes make no progress');
    }
  }

  /** Waits for so many operations, for this time at the longest. */
  async more(operations: number, longestMs: number): Promise<void> {
    const enough = this.#counts.operations + operations;
    const until = performance.now() + longestMs;
    while (this.#counts.operations < enough && this.wrong.length === 0 && performance.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async strike(fault: Fault): Promise<void> {
    const chance = this.#chance;
    const which = chance.below(PROCESSES);
    // Mostly one process is cut off, and its view must not allow what the others end.
    const proxies = chance.below(3) === 0 ? this.#proxies : this.#proxies.slice(which, which + 1);
    switch (fault) {
      case 'kill':
        spin(chance.below(3_000));
        await this.#kill(which);
        return this.#start(which);
      case 'suspend': {
        const worker = this.#running[which]?.worker;
        worker?.suspend();
        await this.more(20, LONGEST_MS);
        worker?.resume();
        return;
      }
      case 'crash':
        return this.#durable.crash?.(chance.pick(['SIGQUIT', 'SIGKILL']));
      case 'disconnect':
        if (this.#durable.disconnect !== undefined && chance.below(2) === 0) await this.#durable.disconnect(this.#namespace);
        else for (const proxy of proxies) proxy.reset();
        return;
      case 'cut':
      case 'lost reply':
        for (const proxy of this.#proxies)
          proxy.intercept((data) => {
            if (!isCommit(data) || this.#chanceOfTurns.below(4) > 0) return 'pass';
            return fault === 'cut' ? 'cut' : 'cut the reply';
          });
        await this.more(30, LONGEST_MS);
        break;
      case 'slow':
        for (const proxy of proxies) proxy.delay(2 + chance.below(15));
        await this.more(20, LONGEST_MS);
        break;
      case 'late':
        // What is sent now arrives, and is answered, when its process has given up.
        for (const proxy of proxies) proxy.delay(TIMEOUT_MS + 100);
        await this.more(Infinity, LONGEST_MS);
        // A process that is cut off alone has a stale view of what the others have ended.
        if (proxies.length === 1) await this.#lookAtOld(which);
        break;
      case 'full':
        await this.#fill(true);
        await this.more(30, LONGEST_MS);
        return this.#fill(false);
      case 'step':
        return this.#jump(STEP_MS);
      case 'day':
        // One after the other: a process may end what another one has just asked for.
        await this.#orderAll({ do: 'jump', ms: 0, overtakes: 'begins' });
        await this.#jump(DAY_MS);
        await this.#orderAll({ do: 'jump', ms: 0, overtakes: 'ends' });
        await this.more(20, LONGEST_MS);
        return this.#orderAll({ do: 'purge' });
    }
    this.#mend();
  }

  /** Lets all lives end, and judges what they leave. */
  async end(): Promise<void> {
    await this.#orderAll({ do: 'rest' });
    await Promise.all(this.#running.map(({ work }) => work));
    await Promise.all(this.#running.map((_, i) => this.#kill(i)));
    await Promise.all(this.#looking);
    this.#isOver = true;
    await this.#archiving;
    // It still writes the uses that its checks have recorded.
    await this.#engine.close();
    const { store } = this.#near;
    this.#keep(await entriesOf(store));
    const entries = [...this.#archive.values()].toSorted((a, b) => a.seq - b.seq);
    for (const { type } of entries) add(this.#counts.entries, type);
    const acks = this.#acknowledged.flatMap(({ ack }) => ack);
    const answers = new JournalOfAnswers(entries, this.#acknowledged, MAX_STALE_MS);
    this.#counts.judged += this.#seen.length;
    this.wrong.push(
      ...(await wrongsOf(store, acks, { archive: entries, clock: this.#clock })),
      ...this.#seen.flatMap((one) => answers.wrongIn(one) ?? []),
    );
    let differences: string[] = [];
    // Time alone may change an answer between two questions, but not each time.
    for (let tries = 0; tries < 3 && (tries === 0 || differences.length > 0); tries++) {
      differences = [];
      await compareViews(store, this.#views, (difference) => differences.push(difference), this.#clock);
    }
    this.wrong.push(...differences);
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#running.map((_, i) => this.#kill(i)));
    for (const view of this.#views) view.close();
    this.#isClosed = true;
    await this.#archiving.catch(() => undefined);
    await this.#engine.close();
    await this.#near.close();
    for (const proxy of this.#proxies) await proxy.close();
  }

  /** @param which of the processes: the later, the faster is its clock */
  async #start(which: number): Promise<void> {
    const process = ++this.#started;
    const name = `w${process}`;
    const seed = this.#chance.below(2 ** 31);
    const worker = await Worker.start({
      place: placeBehind(this.#proxies[which], this.#durable.place, this.#namespace),
      namespace: this.#namespace,
      timeoutMs: TIMEOUT_MS,
      aheadMs: this.#aheadMs + which * APART_MS,
      maxStaleMs: MAX_STALE_MS,
    });
    worker.onAck = (_, acknowledged) => {
      this.#counts.operations += 1;
      this.#acknowledged.push({ ...acknowledged, process });
    };
    worker.onSeen = (seen) => {
      this.#seen.push(...seen.map((one) => ({ ...one, process })));
      this.#counts.operations += 1;
      const [first] = seen;
      const chance = this.#chanceOfTurns;
      const other = chance.below(2) === 0 ? first : this.#changedEarlier();
      if (other !== undefined && chance.below(2) === 0) this.#lookToo(other, worker);
    };
    worker.onRefused = (code) => add(this.#counts.refused, code);
    const order: Order = { do: 'churn', seed, name, lanes: LANES, outages: true, looks: true, holderTtl: HOLDER_TTL_MS };
    const work = worker.order(order).catch((error: unknown) => {
      if (!this.#killed.has(worker)) this.wrong.push(`process ${name} failed: ${String(error)}`);
    });
    this.#running[which] = { worker, work };
  }

  /** A pair that may have changed so long ago that every view knows the change, and the view of a process that is cut off must deny. */
  #changedEarlier(): Seen | undefined {
    const until = machineTime() - 1_000 * MAX_STALE_MS;
    const last = this.#seen.findLastIndex(({ began }) => began < until);
    return this.#seen[last - this.#chanceOfTurns.below(RECENT)];
  }

  /** Asks a process about the pairs that had just changed when its last answers came, once its view must know the changes. */
  async #lookAtOld(which: number): Promise<void> {
    const from = machineTime() - 1_000 * (LONGEST_MS + MAX_STALE_MS);
    await this.more(Infinity, 2 * MAX_STALE_MS - LONGEST_MS);
    const until = machineTime() - 1_000 * MAX_STALE_MS;
    const old = this.#seen.filter(({ began }) => from <= began && began < until);
    const pairs = new Map(old.map((one) => [`${one.subject} ${one.scope}`, one]));
    const worker = this.#running[which]?.worker;
    if (worker !== undefined) for (const pair of pairs.values()) this.#lookIn(worker, pair);
  }

  #lookIn(worker: Worker, { subject, scope }: Pair): void {
    worker.order({ do: 'look', subject, scope }).catch((error: unknown) => {
      // It may be killed before it answers.
      if (!this.#killed.has(worker)) this.wrong.push(`a check failed: ${String(error)}`);
    });
  }

  /** Asks about the same pair in another process, and in this one, which has its own views. */
  #lookToo({ subject, scope }: Seen, asked: Worker): void {
    const others = this.#running.filter(({ worker }) => worker !== asked && !this.#killed.has(worker));
    const other = others[this.#chanceOfTurns.below(others.length)]?.worker;
    if (other !== undefined) this.#lookIn(other, { subject, scope });
    const looking = lookAt({ subject, scope }, this.#clock, this.#engine, this.#views).then(
      (seen) => {
        this.#seen.push(...seen.map((one) => ({ ...one, process: 0 })));
        this.#counts.operations += 1;
      },
      (error: unknown) => this.wrong.push(`a check failed: ${String(error)}`),
    );
    this.#looking.add(looking);
    void looking.finally(() => this.#looking.delete(looking));
  }

  #mend(): void {
    for (const proxy of this.#proxies) proxy.mend();
  }

  async #kill(which: number): Promise<void> {
    const worker = this.#running[which]?.worker;
    if (worker === undefined) return;
    this.#killed.add(worker);
    await worker.kill();
  }

  async #orderAll(order: Order): Promise<void> {
    await Promise.all(this.#running.map(({ worker }) => worker.order(order)));
  }

  async #jump(ms: number): Promise<void> {
    for (const { worker } of this.#running) await worker.order({ do: 'jump', ms });
    this.#clock.jump(ms);
    this.#aheadMs += ms;
  }

  async #fill(isFull: boolean): Promise<void> {
    if (this.#durable.fill === undefined) await this.#orderAll({ do: 'fill', isFull });
    else await this.#durable.fill(isFull);
  }

  #keep(entries: readonly AuditEntry[]): void {
    for (const entry of entries) {
      const before = this.#archive.get(entry.seq);
      if (before !== undefined && before.hash !== entry.hash) this.wrong.push(`entry ${entry.seq} was ${before.id}, and is ${entry.id}`);
      this.#archive.set(entry.seq, entry);
    }
  }

  /** A sink holds the journal until it has received it: no purge trims an entry that is not in the archive. */
  async #readJournal(): Promise<void> {
    for (;;) {
      const isLast = this.#isOver;
      const { caughtUp } = await this.#engine.flushAudit().catch(() => ({ caughtUp: false }));
      if ((isLast && caughtUp) || this.#isClosed) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}
