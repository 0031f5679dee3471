import type { Clock } from '../core/ports.js';
import { within } from '../core/timers.js';
import type { AccessRequest } from '../records/index.js';
import type { Kernel } from './kernel.js';

/** The most asks that one queue holds: one that has the turn, and the others that wait for it. */
const MAX_HELD = 64;
/** How long an ask waits for its turn. It then continues without order. */
const MAX_WAIT_MS = 250;

/** The asks of one requester for one subject. */
interface Queue {
  /** The asks that have joined and not left. */
  members: number;
  isTaken: boolean;
  /** Each call gives the turn to the ask that waits. The longest wait comes first. */
  readonly waiting: (() => void)[];
  /** How many turns have ended. */
  ended: number;
}

/**
 * Orders the commits of asks by requester and subject. Asks of one subject write the row of the subject, so concurrent ones would
 * conflict and read again. The commit still decides: an ask without a turn is only slower. No ask waits for foreign code, because
 * none is awaited during a turn.
 */
export class AskOrder {
  readonly #clock: Clock;
  readonly #queues = new Map<string, Queue>();

  constructor({ settings }: Kernel) {
    this.#clock = settings.clock;
  }

  /** The number of queues in memory. */
  get size(): number {
    return this.#queues.size;
  }

  /** Joins the queue of an ask. The caller calls `leave` at the end. */
  join({ requestedBy, subject }: Pick<AccessRequest, 'requestedBy' | 'subject'>): AskTurns {
    // JSON, because a composite key must be injective (L24).
    const key = JSON.stringify([requestedBy, subject]);
    const queue = this.#queues.get(key) ?? { members: 0, isTaken: false, waiting: [], ended: 0 };
    this.#queues.set(key, queue);
    queue.members += 1;
    return new AskTurns(this.#clock, queue, () => {
      queue.members -= 1;
      if (queue.members === 0) this.#queues.delete(key);
    });
  }
}

/** The turns of one ask. */
export class AskTurns {
  readonly #clock: Clock;
  readonly #queue: Queue;
  #isIn = false;
  #hasTurn = false;

  /** Leaves the queue. */
  readonly leave: () => void;

  constructor(clock: Clock, queue: Queue, leave: () => void) {
    this.#clock = clock;
    this.#queue = queue;
    this.leave = leave;
  }

  /** How many turns have ended. Rows that an ask has read or written are current only while this is unchanged. */
  get ended(): number {
    return this.#queue.ended;
  }

  /** Waits for the turn, which lasts until {@link end}. It continues without order after 250 ms, or if the queue is full. */
  async begin(): Promise<void> {
    const queue = this.#queue;
    this.#isIn = true;
    if (!queue.isTaken) {
      queue.isTaken = true;
      this.#hasTurn = true;
      return;
    }
    if (queue.waiting.length >= MAX_HELD - 1) return;
    const turn = new Promise<void>((give) => {
      queue.waiting.push(() => {
        this.#hasTurn = true;
        give();
      });
    });
    const give = queue.waiting.at(-1) as () => void;
    // A failing clock ends the wait too: the ask itself then reads the clock, and reports the failure.
    await within(
      this.#clock,
      MAX_WAIT_MS,
      () => turn,
      () => new Error('the wait has ended'),
    ).catch(() => undefined);
    // The turn may have come at the same time.
    if (!this.#hasTurn) queue.waiting.splice(queue.waiting.indexOf(give), 1);
  }

  /** Ends the turn, after the answer of the commit or a failure. Without a turn it does nothing. */
  readonly end = (): void => {
    if (!this.#isIn) return;
    this.#isIn = false;
    const queue = this.#queue;
    queue.ended += 1;
    if (!this.#hasTurn) return;
    this.#hasTurn = false;
    const next = queue.waiting.shift();
    if (next === undefined) queue.isTaken = false;
    else next();
  };
}
