import type { Kernel } from '../../../kernel/kernel.js';
import type { AuditEntry } from '../../../records/index.js';
import { within } from '../../../core/timers.js';
import { nextTurn, type TurnBudget } from '../../../core/turns.js';
import { EventStream, textOf, type StreamSignal } from './event-stream.js';
import type { Audience } from './audience.js';

/** How far back `Last-Event-ID` may lie. Beyond that, reading everything again costs the client less. Entries. */
const MAX_BACK = 1_000;
/** The most entries that wait for the answers about what a caller sees. */
const MAX_PENDING = 1_000;
const PAGE = 200;
/** How long an event may wait for the answer whether its caller sees it: an approver may answer slowly, and to many questions. Milliseconds. */
const JUDGED_MS = 15_000;

export interface ConnectionOptions {
  readonly caller: string;
  /** Whether the caller sees every event, also those about no request. */
  readonly seesAll: boolean;
  /** Whether the caller is still the one that opened the stream. */
  readonly isStill: () => Promise<boolean>;
  readonly onError: (error: unknown, during: string) => void;
}

/** What all connections of an engine share. */
export interface SharedByConnections {
  readonly kernel: Kernel;
  readonly audience: Audience;
  readonly turns: TurnBudget;
}

/** An entry with the text that all streams send. */
export interface StreamEvent {
  readonly entry: AuditEntry;
  readonly text: string;
}

interface PendingEvent {
  readonly text: string;
  readonly seq: number;
  readonly sees: boolean | Promise<boolean>;
}

/** One open stream: it sends each entry that its caller sees once, in the order of the journal. */
export class Connection {
  readonly stream: EventStream;
  readonly options: ConnectionOptions;
  readonly #shared: SharedByConnections;
  readonly #pending: PendingEvent[] = [];
  /** The last entry that was sent or passed over. It has a place only after it has begun. */
  #seq = Infinity;
  #isBehind = true;
  /** Whether entries were pushed while the connection was behind: it reads them itself. */
  #hasMissed = false;
  #isSending = false;
  /** The last entry that waited or was sent when the client last heard that it must read everything again. */
  #resetSeq = 0;

  constructor(shared: SharedByConnections, options: ConnectionOptions, onClose: (connection: Connection) => void) {
    this.#shared = shared;
    this.options = options;
    this.stream = new EventStream(() => onClose(this));
  }

  get seq(): number {
    return this.#seq;
  }

  /** Begins after an entry that the client has received; without one, at the head. Resolves when the stream may be returned. */
  async begin(lastEventId: string | null): Promise<void> {
    const { start, head } = await this.#shared.kernel.ledger.journal();
    const last = lastEventId !== null && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
    const isNear = last !== undefined && last >= start.seq && last <= head.seq && head.seq - last <= MAX_BACK;
    const canResume = isNear && (this.options.seesAll || (await this.#hasSeen(last, head.seq)));
    this.#seq = canResume ? last : head.seq;
    // Events were missed, or the id is not one of an event that the caller sees.
    this.#signal(lastEventId === null || canResume ? 'ready' : 'reset');
    // Not awaited: what the caller sees may need many answers of the approver, and the client receives each event as it is judged.
    void this.#catchUp().catch((error: unknown) => {
      this.options.onError(error, 'events');
      this.stream.close();
    });
  }

  /** Whether the entry is one that the caller sees: the answer to any other number must not say where the head is. */
  async #hasSeen(seq: number, head: number): Promise<boolean> {
    const { entries } = await this.#shared.kernel.ledger.journal(Math.max(0, seq - 1), 1);
    const [entry] = entries;
    return entry?.seq === seq && (await this.#sees(entry, head)) === true;
  }

  /** The head of the journal says how much happens in the namespace, so only a caller that sees every event learns it. */
  #signal(name: StreamSignal): void {
    this.stream.signal(name, this.options.seesAll ? this.#seq : undefined);
  }

  /**
   * New entries of the one follower that serves all connections, in order.
   *
   * @param sees whether the caller sees all of them
   */
  push(events: readonly StreamEvent[], sees: boolean | Promise<boolean>): void {
    if (this.stream.isClosed) return;
    if (this.#isBehind) {
      this.#hasMissed = true;
      return;
    }
    const fresh = events.filter(({ entry }) => entry.seq > this.#seq);
    const last = fresh.at(-1);
    if (last === undefined) return;
    this.#seq = last.entry.seq;
    const text = fresh.map((event) => event.text).join('');
    if (sees === true && !this.#isSending) this.stream.send(text);
    else {
      this.#pending.push({ text, sees, seq: last.entry.seq });
      if (this.#pending.length > MAX_PENDING) this.drop();
      else if (!this.#isSending) void this.#send();
    }
  }

  /** Drops the entries that wait, and says so to the client: too many wait for answers, or one could not be judged. */
  drop(): void {
    this.#pending.length = 0;
    if (this.#isBehind) this.#hasMissed = true;
    else this.#signal('reset');
  }

  /** Reads the entries up to the head, until a read has found none and none was pushed during it. */
  async #catchUp(): Promise<void> {
    let isWhole = true;
    while (!this.stream.isClosed) {
      this.#hasMissed = false;
      const { entries } = await this.#shared.kernel.ledger.journal(this.#seq, PAGE);
      const last = entries.at(-1);
      if (last === undefined && !this.#hasMissed) break;
      if (last === undefined) continue;
      this.#seq = last.seq;
      for (const entry of entries) {
        // Many clients resume together after a restart of the service.
        await this.#shared.turns.spend(1);
        // The client will read everything again, so the others need no answers.
        const sees = isWhole && (await this.#sees(entry, last.seq));
        if (sees === undefined) isWhole = false;
        else if (sees) this.stream.send(textOf(entry));
      }
      await nextTurn();
    }
    this.#isBehind = false;
    if (!isWhole) this.#signal('reset');
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let event = this.#pending.shift(); event !== undefined; event = this.#pending.shift()) {
      const sees = await this.#known(event.sees);
      if (sees === true) this.stream.send(event.text);
      // One `reset` for all that waited at that time: what follows in the journal is not in what the client then reads.
      if (sees !== undefined || event.seq <= this.#resetSeq) continue;
      this.#resetSeq = this.#seq;
      this.#signal('reset');
    }
    this.#isSending = false;
  }

  async #sees(entry: AuditEntry, committed: number): Promise<boolean | undefined> {
    const { caller, seesAll } = this.options;
    return seesAll || this.#known(this.#shared.audience.of(entry, committed).then((viewers) => viewers.sees(caller)));
  }

  /** `undefined`: the event cannot be judged, or not in time. The client does not receive it, and must read everything again. */
  async #known(answer: boolean | Promise<boolean>): Promise<boolean | undefined> {
    if (typeof answer === 'boolean') return answer;
    const late = () => new Error(`not known within ${JUDGED_MS} ms who sees an event`);
    try {
      return await within(this.#shared.kernel.clock.source, JUDGED_MS, () => answer, late);
    } catch (error) {
      this.options.onError(error, 'events');
      return undefined;
    }
  }
}
