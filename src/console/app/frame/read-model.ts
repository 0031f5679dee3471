import { signal, type ReadonlySignal, type Signal } from '@preact/signals';
import type { AccessClient } from '../../../client.js';
import type { Change } from './types.js';
import type { PersonInfo } from './types.js';

/** What a read gives: the last answer, also while it is read again or when that fails. */
export interface Read<T> {
  /** `undefined`: not answered yet. */
  readonly value: T | undefined;
  /** The error of the last read. `undefined`: it succeeded, or has not ended. */
  readonly error: unknown;
  readonly isLoading: boolean;
}

/** The last answer, and the events since then: what they cannot have changed need not be read again. */
export interface Before<T> {
  readonly answer: T;
  readonly changes: readonly Change[];
}

/** A question to the API whose answer the page shows. */
export interface Query<T> {
  /** Queries of one key share one answer. */
  readonly key: string;
  /** @param before `undefined`: read everything */
  readonly read: (client: AccessClient, signal: AbortSignal, before: Before<T> | undefined) => PromiseLike<T>;
  /** Whether an event may have changed the answer. */
  readonly isOld: (change: Change, answer: T) => boolean;
  /** The next instant at which time changes the answer, by the clock of the service. Epoch milliseconds. Default: none. */
  readonly changesAt?: (answer: T) => number | undefined;
  /** The least pause between two reads. For a number beside the view. Milliseconds. Default: that of a round. */
  readonly leastMs?: number;
  /** Whether a hidden page reads it too, once a minute. Default: `false`. */
  readonly whileHidden?: boolean;
}

export interface ModelPorts {
  readonly client: AccessClient;
  /** Takes the `people` of an answer. */
  readonly learn: (people: Readonly<Record<string, PersonInfo | undefined>> | undefined) => void;
  /** Now, by the clock of the service. Epoch milliseconds. */
  readonly now: () => number;
  /** A clock of the device that no one sets. Milliseconds. */
  readonly elapsed: () => number;
  readonly after: (ms: number, call: () => void) => () => void;
  /** By how much this page is later than others at an instant that many share. Less than a second, in milliseconds. */
  readonly spreadMs: number;
}

/** Events of one commit arrive together: they are one read. Milliseconds. */
const GATHER_MS = 150;
/** The pause between two rounds of reads of a page. Milliseconds. */
const ROUND_MS = 1_000;
/** What is outside the journal is read again so often: rights, groups, rules, names. Also the longest wait of the timer. Milliseconds. */
const OUTSIDE_MS = 60_000;
/** Failures that may pass by themselves are tried again. Milliseconds. */
export const RETRY_MS = 5_000;
/** A read without an answer in this time is ended, and tried again. Milliseconds. */
const LATE_MS = 10_000;

interface Entry {
  readonly query: Query<unknown>;
  readonly state: Signal<Read<unknown>>;
  watchers: number;
  running: AbortController | undefined;
  /** The events since the last read was sent. `undefined`: everything must be read. */
  changes: Change[] | undefined;
  /** When the answer became old. `Infinity`: it is not. All of these by `elapsed`. */
  oldAt: number;
  readAt: number;
  retryAt: number;
  changesAt: number;
}

/**
 * The answers that a page shows. It keeps each as a new read would find it: it reads again what an event or time may have changed, and
 * each minute what is outside the journal. Reads of a page are sent together, at most once a second.
 */
export class ReadModel {
  readonly #ports: ModelPorts;
  readonly #entries = new Map<string, Entry>();
  #roundAt = -Infinity;
  #cancel: () => void = () => undefined;
  #isPaused = false;
  /** While the page shows answers from before it was hidden: when it was hidden, by the clock of the service. Epoch milliseconds. */
  readonly asOf = signal<number | undefined>(undefined);

  constructor(ports: ModelPorts) {
    this.#ports = ports;
  }

  /** @returns the answer, and what ends the watch. Without a watcher an answer is forgotten. */
  watch<T>(query: Query<T>): { readonly state: ReadonlySignal<Read<T>>; readonly release: () => void } {
    let entry = this.#entries.get(query.key);
    if (entry === undefined) {
      const state = signal<Read<unknown>>({ value: undefined, error: undefined, isLoading: true });
      const times = { oldAt: Infinity, readAt: -Infinity, retryAt: Infinity, changesAt: Infinity };
      entry = { query: query as unknown as Query<unknown>, state, watchers: 0, running: undefined, changes: undefined, ...times };
      this.#entries.set(query.key, entry);
      if (!this.#isPaused || query.whileHidden) void this.#read(entry);
    }
    entry.watchers++;
    const watched = entry;
    let isReleased = false;
    const release = () => {
      if (isReleased) return;
      isReleased = true;
      if (--watched.watchers > 0 || !this.#isShown(watched)) return;
      watched.running?.abort();
      this.#entries.delete(query.key);
    };
    return { state: entry.state as unknown as ReadonlySignal<Read<T>>, release };
  }

  /** Takes an event. `ready` and `reset`: events may be missing, so that everything is old. */
  take(change: Change): void {
    if (change.type === 'ready' || change.type === 'reset') {
      this.refresh();
      return;
    }
    for (const entry of this.#entries.values()) {
      const { value } = entry.state.peek();
      // Without an answer the first read is on its way, and may have begun before the event.
      if (value !== undefined && !entry.query.isOld(change, value)) continue;
      entry.changes?.push(change);
      this.#markOld(entry, GATHER_MS);
    }
    this.plan();
  }

  /** Reads everything again. */
  refresh(): void {
    for (const entry of this.#entries.values()) {
      entry.changes = undefined;
      this.#markOld(entry, 0);
    }
    this.plan();
  }

  /** Reads one answer again, at once: the viewer has asked for it, or has changed it. */
  again(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    entry.state.value = { ...entry.state.peek(), isLoading: true };
    entry.changes = undefined;
    if (entry.running === undefined && !this.#isPaused) void this.#read(entry);
    else this.#markOld(entry, 0);
  }

  /** Stops the reads, for a page that is hidden. */
  pause(): void {
    if (this.#isPaused) return;
    this.#isPaused = true;
    this.asOf.value ??= this.#ports.now();
    this.plan();
  }

  resume(): void {
    if (!this.#isPaused) return;
    this.#isPaused = false;
    if (this.#entries.size === 0) this.asOf.value = undefined;
    this.refresh();
  }

  end(): void {
    this.#isPaused = true;
    this.#cancel();
    for (const { running } of this.#entries.values()) running?.abort();
    this.#entries.clear();
  }

  /** Sets the timer of the next round. It is called again when the clock of the service has been read. */
  plan(): void {
    this.#cancel();
    const now = this.#ports.elapsed();
    let next = this.#isPaused ? Infinity : now + OUTSIDE_MS;
    for (const entry of this.#entries.values()) if (entry.running === undefined) next = Math.min(next, this.#dueAt(entry));
    if (next === Infinity) return;
    this.#cancel = this.#ports.after(Math.max(next, this.#roundAt + ROUND_MS) - now, () => {
      this.#round();
    });
  }

  #markOld(entry: Entry, gatherMs: number): void {
    entry.oldAt = Math.min(entry.oldAt, this.#ports.elapsed() + gatherMs);
  }

  /** When an answer must be read again, by `elapsed`. */
  #dueAt(entry: Entry): number {
    if (this.#isPaused) return entry.query.whileHidden ? entry.readAt + OUTSIDE_MS : Infinity;
    return Math.min(this.#wholeAt(entry, this.#ports.spreadMs), this.#oldAt(entry));
  }

  #oldAt({ oldAt, readAt, query: { leastMs = 0 } }: Entry): number {
    return Math.max(oldAt, readAt + leastMs);
  }

  /** When it must be read again although no event says so, and so all of it. */
  #wholeAt({ readAt, retryAt, changesAt }: Entry, spreadMs: number): number {
    const { elapsed, now } = this.#ports;
    return Math.min(retryAt, readAt + OUTSIDE_MS, elapsed() + changesAt + spreadMs - now());
  }

  #round(): void {
    const now = this.#ports.elapsed();
    let isSent = false;
    for (const entry of this.#entries.values()) {
      // What is due a moment later is read with the others: the next round is a second away.
      const [wholeAt, oldAt] = this.#isPaused ? [this.#dueAt(entry), Infinity] : [this.#wholeAt(entry, 0), this.#oldAt(entry)];
      const isWhole = wholeAt <= now;
      if (entry.running !== undefined || (!isWhole && oldAt > now + GATHER_MS)) continue;
      if (isWhole) entry.changes = undefined;
      isSent = true;
      void this.#read(entry);
    }
    if (isSent) this.#roundAt = now;
    this.plan();
  }

  async #read(entry: Entry): Promise<void> {
    const { client, learn, elapsed, after } = this.#ports;
    const { query, state } = entry;
    const end = new AbortController();
    entry.running = end;
    const before = state.peek();
    const { changes } = entry;
    const known = before.value === undefined || changes === undefined ? undefined : { answer: before.value, changes };
    Object.assign(entry, { changes: [], oldAt: Infinity, retryAt: Infinity, changesAt: Infinity, readAt: elapsed() });
    const stopLate = after(LATE_MS, () => {
      end.abort(new LateError());
    });
    try {
      const value = await query.read(client, end.signal, known);
      if (!this.#isShown(entry)) return;
      learn((value as { readonly people?: Record<string, PersonInfo | undefined> } | undefined)?.people);
      entry.changesAt = query.changesAt?.(value) ?? Infinity;
      state.value = { value, error: undefined, isLoading: false };
    } catch (error) {
      if (!this.#isShown(entry)) return;
      const failure: unknown = end.signal.aborted ? end.signal.reason : error;
      entry.changes = undefined;
      if (mayPass(failure)) entry.retryAt = elapsed() + RETRY_MS;
      state.value = { value: state.peek().value, error: failure, isLoading: false };
    } finally {
      stopLate();
      entry.running = undefined;
      if (this.#isShown(entry)) {
        this.#showsNow();
        this.plan();
      }
    }
  }

  #isShown(entry: Entry): boolean {
    return this.#entries.get(entry.query.key) === entry;
  }

  /** After all that the page shows has been read since it was hidden, it is of now. */
  #showsNow(): void {
    if (this.#isPaused || this.asOf.peek() === undefined) return;
    const isRead = ({ oldAt, running, state }: Entry) => oldAt === Infinity && running === undefined && !mayPass(state.peek().error);
    if ([...this.#entries.values()].every(isRead)) this.asOf.value = undefined;
  }
}

/** The API has not answered in time. The read is ended. */
export class LateError extends Error {
  override readonly name = 'LateError';
}

/** Whether a failure may end without the person: no answer, or a 5xx. */
export function mayPass(error: unknown): boolean {
  if (error instanceof LateError) return true;
  if (error === undefined) return false;
  const { code, name } = error as Error & { readonly code?: unknown };
  return (statusOf(error) ?? (code === undefined && name === 'HttpClientError' ? Infinity : 0)) >= 500;
}

/** The status of a call that was refused. The error of the client may be the cause of an error of the engine. */
export function statusOf(error: unknown): number | undefined {
  const { status, cause } = (error ?? {}) as { readonly status?: unknown; readonly cause?: unknown };
  const answered = typeof status === 'number' ? status : (cause as { readonly status?: unknown } | undefined)?.status;
  return typeof answered === 'number' ? answered : undefined;
}
