import type { Kernel } from '../../../kernel/kernel.js';
import type { AuditEntry } from '../../../records/index.js';
import { nextTurn } from '../../../core/turns.js';
import { EventStream, type StreamSignal } from './event-stream.js';
import type { Audience } from './audience.js';

/** How far back `Last-Event-ID` may lie. Beyond that, reading everything again costs the client less. Entries. */
const MAX_BACK = 1_000;
/** The most entries that wait for the answers about what a caller sees. */
const MAX_PENDING = 1_000;
const PAGE = 200;

export interface ConnectionOptions {
  readonly caller: string;
  /** Whether the caller sees every event, also those about no request. */
  readonly seesAll: boolean;
  /** Whether the caller is still the one that opened the stream. */
  readonly isStill: () => Promise<boolean>;
  readonly onError: (error: unknown, during: string) => void;
}

/** One open stream: it sends each entry that its caller sees once, in the order of the journal. */
export class Connection {
  readonly stream: EventStream;
  readonly options: ConnectionOptions;
  readonly #kernel: Kernel;
  readonly #audience: Audience;
  readonly #pending: AuditEntry[] = [];
  /** The last entry that was sent or passed over. */
  #seq = 0;
  #isBehind = true;
  /** Whether entries were pushed while the connection was behind: it reads them itself. */
  #hasMissed = false;
  #isSending = false;

  constructor(kernel: Kernel, audience: Audience, options: ConnectionOptions, onClose: (connection: Connection) => void) {
    this.#kernel = kernel;
    this.#audience = audience;
    this.options = options;
    this.stream = new EventStream(() => onClose(this));
  }

  /** Begins after an entry that the client has received; without one, at the head. Resolves when the stream may be returned. */
  async begin(lastEventId: string | null): Promise<void> {
    const { start, head } = await this.#kernel.ledger.journal();
    const last = lastEventId !== null && /^\d{1,15}$/.test(lastEventId) ? Number(lastEventId) : undefined;
    const isNear = last !== undefined && last >= start.seq && last <= head.seq && head.seq - last <= MAX_BACK;
    const canResume = isNear && (this.options.seesAll || (await this.#hasSeen(last)));
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
  async #hasSeen(seq: number): Promise<boolean> {
    const { entries } = await this.#kernel.ledger.journal(Math.max(0, seq - 1), 1);
    const [entry] = entries;
    return entry?.seq === seq && (await this.#sees(entry));
  }

  /** The head of the journal says how much happens in the namespace, so only a caller that sees every event learns it. */
  #signal(name: StreamSignal): void {
    this.stream.signal(name, this.options.seesAll ? this.#seq : undefined);
  }

  /** New entries of the one follower that serves all connections. */
  push(entries: readonly AuditEntry[]): void {
    if (this.stream.isClosed) return;
    if (this.#isBehind) {
      this.#hasMissed = true;
      return;
    }
    const fresh = entries.filter(({ seq }) => seq > this.#seq);
    if (fresh.length === 0) return;
    this.#seq = (fresh.at(-1) as AuditEntry).seq;
    this.#pending.push(...fresh);
    if (this.#pending.length > MAX_PENDING) {
      this.#pending.length = 0;
      this.#signal('reset');
    } else if (!this.#isSending) void this.#send();
  }

  /** Reads the entries up to the head, until a read has found none and none was pushed during it. */
  async #catchUp(): Promise<void> {
    while (!this.stream.isClosed) {
      this.#hasMissed = false;
      const { entries } = await this.#kernel.ledger.journal(this.#seq, PAGE);
      const last = entries.at(-1);
      if (last === undefined && !this.#hasMissed) break;
      if (last === undefined) continue;
      this.#seq = last.seq;
      this.#pending.push(...entries);
      await this.#send();
      await nextTurn();
    }
    this.#isBehind = false;
  }

  async #send(): Promise<void> {
    this.#isSending = true;
    for (let entry = this.#pending.shift(); entry !== undefined; entry = this.#pending.shift()) {
      if (await this.#sees(entry)) this.stream.send(entry);
    }
    this.#isSending = false;
  }

  async #sees(entry: AuditEntry): Promise<boolean> {
    if (this.options.seesAll) return true;
    try {
      return await this.#audience.sees(this.options.caller, entry);
    } catch (error) {
      // The client receives no event that cannot be judged.
      this.options.onError(error, 'events');
      return false;
    }
  }
}
