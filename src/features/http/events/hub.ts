import { askBounded } from '../../../core/ask-bounded.js';
import { sleepUntil, whyNoLastingTimers, within } from '../../../core/timers.js';
import { TurnBudget, yieldToOthers } from '../../../core/turns.js';
import { Followers } from '../../../followers/followers.js';
import type { Follower } from '../../../followers/follower.js';
import type { Kernel } from '../../../kernel/kernel.js';
import { ownProblem } from '../problem.js';
import type { AuditEntry } from '../../../records/index.js';
import { Audience } from './audience.js';
import { Connection, type ConnectionOptions, type StreamEvent } from './connection.js';
import { textOf } from './event-stream.js';
import type { Viewers } from './viewers.js';

/** The most streams of an engine, and of one caller of it. Other engines of the process, such as those of other tenants, have their own. */
const MAX_STREAMS = 1_000;
const MAX_OF_CALLER = 10;
/** How often a store without `watch` is polled, while a stream is open. Milliseconds. */
const POLL_MS = 1_000;
const KEEP_ALIVE_MS = 15_000;
/** How many streams the hub serves in one turn of the event loop (L42). */
const STREAMS_A_TURN = 64;
/** The most entries that wait until it is known who sees them. */
const MAX_WAITING = 1_000;
/** How often `identify` is asked again, and how long its answer may take. A multiple of the time between keep-alives. Milliseconds. */
const IDENTIFY_MS = 30_000;
const ANSWER_MS = 10_000;

/** Serves all event streams of an engine from one follower of the journal. */
export class EventHub {
  readonly #kernel: Kernel;
  readonly #audience: Audience;
  readonly #turns = new TurnBudget(STREAMS_A_TURN);
  readonly #connections = new Set<Connection>();
  /** The connections of callers that see every event. */
  readonly #seeingAll = new Set<Connection>();
  /** The other connections, by caller. */
  readonly #byCaller = new Map<string, Set<Connection>>();
  /** The entries for which it is not known yet who sees them. */
  #waiting: StreamEvent[] = [];
  #isSending = false;
  /** Whether the follower has passed the entries from before the open streams. */
  #isLive = false;
  #follower: Follower | undefined;
  #ticking: AbortController | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
    this.#audience = new Audience(kernel);
    kernel.onClose('work', () => this.#closeAll());
  }

  /**
   * @throws HttpError 429, if the caller or the engine has too many streams; 501, if a stream would end with its first timer;
   *   503, if the journal cannot be followed; StoreError
   */
  async open(options: ConnectionOptions, lastEventId: string | null): Promise<ReadableStream<Uint8Array>> {
    const why = whyNoLastingTimers();
    if (why !== undefined) throw ownProblem('not-supported', { detail: `Events need timers, and ${why}: poll instead.` });
    const ofCaller = [...this.#connections].filter((one) => one.options.caller === options.caller).length;
    if (this.#connections.size >= MAX_STREAMS || ofCaller >= MAX_OF_CALLER)
      throw ownProblem('too-many-streams', { headers: { 'retry-after': '5' } });
    const shared = { kernel: this.#kernel, audience: this.#audience, turns: this.#turns };
    const connection = new Connection(shared, options, (closed) => this.#remove(closed));
    this.#add(connection);
    try {
      // A follower that began later than the connection would pass over the entries between them.
      if (!(await this.#follow().begin())) throw ownProblem('unavailable', { headers: { 'retry-after': '5' } });
      await connection.begin(lastEventId);
    } catch (error) {
      connection.stream.close();
      throw error;
    }
    return connection.stream.body;
  }

  #add(connection: Connection): void {
    const { caller, seesAll } = connection.options;
    this.#connections.add(connection);
    if (seesAll) this.#seeingAll.add(connection);
    else this.#byCaller.set(caller, (this.#byCaller.get(caller) ?? new Set()).add(connection));
  }

  #remove(connection: Connection): void {
    if (!this.#connections.delete(connection)) return;
    const { caller } = connection.options;
    this.#seeingAll.delete(connection);
    const ofCaller = this.#byCaller.get(caller);
    if (ofCaller?.delete(connection) === true && ofCaller.size === 0) this.#byCaller.delete(caller);
    if (this.#connections.size === 0) {
      this.#audience.clear();
      this.#isLive = false;
      this.#ticking?.abort();
      this.#ticking = undefined;
    }
  }

  #closeAll(): void {
    for (const { stream } of this.#connections) stream.close();
  }

  #follow(): Follower {
    this.#follower ??= this.#kernel.part(Followers).add({
      name: 'jit-access:http-events',
      follow: 'local',
      write: (entries) => this.#push(entries),
    });
    if (this.#ticking === undefined) void this.#tick((this.#ticking = new AbortController()).signal);
    return this.#follower;
  }

  /** Sends entries to the callers that see every event. What the others see may need answers of the approver, which delay none of these. */
  async #push(entries: readonly AuditEntry[]): Promise<void> {
    const events = this.#fresh(entries).map((entry) => ({ entry, text: textOf(entry) }));
    if (events.length === 0) return;
    this.#isLive = true;
    if (this.#byCaller.size > 0) this.#waiting.push(...events);
    if (this.#waiting.length > MAX_WAITING) {
      this.#waiting = [];
      await this.#dropAll();
    } else if (!this.#isSending) void this.#sendWaiting();
    // A copy: streams that open during the loop begin after these entries, and must not make it longer.
    for (const connection of [...this.#seeingAll]) {
      await this.#turns.spend(1);
      connection.push(events, true);
    }
  }

  /** Makes the callers that do not see every event read everything again. */
  async #dropAll(): Promise<void> {
    for (const connection of [...this.#byCaller.values()].flatMap((ofCaller) => [...ofCaller])) {
      await this.#turns.spend(1);
      connection.drop();
    }
  }

  /** The entries that a stream may lack. Before the first of them, the follower may deliver those since the engine's first entry. */
  #fresh(entries: readonly AuditEntry[]): readonly AuditEntry[] {
    if (this.#isLive) return entries;
    const from = Math.min(...[...this.#connections].map((connection) => connection.seq));
    return entries.filter(({ seq }) => seq > from);
  }

  async #sendWaiting(): Promise<void> {
    this.#isSending = true;
    while (this.#waiting.length > 0) {
      const events = this.#waiting.splice(0);
      const committed = (events.at(-1) as StreamEvent).entry.seq;
      const viewers = askBounded(events, ({ entry }) => this.#viewersOf(entry, committed));
      for (const [i, event] of events.entries()) {
        const known = await (viewers[i] as Promise<Viewers | undefined>);
        await (known === undefined ? this.#dropAll() : this.#sendTo(known, event));
      }
    }
    this.#isSending = false;
  }

  /** Never rejects. `undefined`: the event cannot be judged, so any client may miss it. */
  async #viewersOf(entry: AuditEntry, committed: number): Promise<Viewers | undefined> {
    try {
      return await this.#audience.of(entry, committed);
    } catch (error) {
      this.#kernel.settings.onError(error, 'events');
      return undefined;
    }
  }

  /** Looks up the connections of the viewers, or asks about each caller if any caller may be one. */
  async #sendTo(viewers: Viewers, event: StreamEvent): Promise<void> {
    for (const caller of viewers.candidates ?? [...this.#byCaller.keys()]) {
      const connections = this.#byCaller.get(caller);
      if (connections === undefined) continue;
      await this.#turns.spend(1);
      const answer = viewers.sees(caller);
      if (answer === false) continue;
      for (const connection of [...connections]) {
        await this.#turns.spend(1);
        connection.push([event], answer);
      }
    }
  }

  /** Polls, keeps the connections alive and asks `identify` again, while a stream is open. Never rejects. */
  async #tick(signal: AbortSignal): Promise<void> {
    const everyMs = this.#kernel.ledger.store.watch === undefined ? POLL_MS : KEEP_ALIVE_MS;
    for (let passedMs = everyMs; ; passedMs += everyMs) {
      await this.#sleep(everyMs, signal);
      if (signal.aborted) return;
      void this.#follower?.drive();
      if (passedMs % KEEP_ALIVE_MS !== 0) continue;
      for (const connection of [...this.#connections]) {
        await this.#turns.spend(1);
        connection.stream.keepAlive();
        // Not awaited: one session store that hangs delays no other stream.
        if (passedMs % IDENTIFY_MS === 0) void this.#closeIfGone(connection);
      }
    }
  }

  /** A clock that fails is reported. The loop continues, so that it works again with the clock. */
  async #sleep(ms: number, signal: AbortSignal): Promise<void> {
    const { clock, settings } = this.#kernel;
    try {
      await sleepUntil(clock.source, clock.read().now + ms, signal, true);
    } catch (error) {
      settings.onError(error, 'events');
      await yieldToOthers();
    }
  }

  async #closeIfGone({ stream, options }: Connection): Promise<void> {
    const timeout = () => new Error(`identify gave no answer within ${ANSWER_MS} ms`);
    try {
      if (!(await within(this.#kernel.clock.source, ANSWER_MS, options.isStill, timeout))) stream.close();
    } catch (error) {
      // A session store that is down is no proof of a sign-out, but the stream may not outlive the session either.
      options.onError(error, 'identify');
      stream.close();
    }
  }
}
