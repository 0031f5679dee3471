/** Waits for a timer, so that other timers and I/O run. Promises that settle without I/O are microtasks, which let neither run. */
export function yieldToOthers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 0));
}

/** How many rows a loop may handle before it lets the event loop take a turn (L42). */
const ROWS_A_TURN = 256;

/**
 * Waits for one turn of the event loop, in which due timers and I/O run. Unlike {@link yieldToOthers}, it does not wait for the
 * minimum delay of a timer, which would make a loop of a thousand turns a second longer.
 */
export function nextTurn(): Promise<void> {
  const { setImmediate, MessageChannel } = globalThis as Turning;
  if (setImmediate !== undefined) return new Promise((resolve) => void setImmediate(resolve));
  // In browsers, a nested timer waits at least four milliseconds; a message does not wait.
  return MessageChannel === undefined ? yieldToOthers() : new Promise((resolve) => passMessage(new MessageChannel(), resolve));
}

/** Calls a function at the end of this turn of the event loop. @returns false: the runtime does not say when that is, so it is not called */
export function atTurnsEnd(run: () => void): boolean {
  const { setImmediate } = globalThis as Turning;
  setImmediate?.(run);
  return setImmediate !== undefined;
}

/** The alternatives to timers: Node, Bun and Deno have `setImmediate`, browsers and workers have `MessageChannel`. */
interface Turning {
  readonly setImmediate?: (run: () => void) => unknown;
  readonly MessageChannel?: new () => { readonly port1: Port; readonly port2: Port };
}

interface Port {
  onmessage: (() => void) | null;
  postMessage(message: unknown): void;
  close(): void;
}

/** Closes the port when the message has arrived: an open port would stay in memory and keep the process alive. */
function passMessage({ port1, port2 }: { readonly port1: Port; readonly port2: Port }, done: () => void): void {
  port1.onmessage = () => {
    port1.close();
    done();
  };
  port2.postMessage(undefined);
}

/**
 * Counts the rows that a loop handles between two turns of the event loop. A synchronous store resolves its promises as
 * microtasks, so a loop over them would block timers and I/O until it ends (L42).
 */
export class TurnBudget {
  readonly #rows: number;
  #left: number;
  #turn: Promise<void> | undefined;

  /** @param rows how many rows a turn has. A loop with work that costs more than a row gives fewer */
  constructor(rows = ROWS_A_TURN) {
    this.#rows = rows;
    this.#left = rows;
  }

  /**
   * Await this before reading, writing or judging `rows` rows. It takes a turn first if they are too many for this turn. Concurrent
   * callers share the rows of one turn.
   */
  async spend(rows: number): Promise<void> {
    for (let turns = 0; rows > this.#left && !(turns > 0 && this.#left === this.#rows); turns++) {
      this.#turn ??= nextTurn().then(() => {
        this.#left = this.#rows;
        this.#turn = undefined;
      });
      await this.#turn;
    }
    this.#left -= rows;
  }

  /** Await this before a commit that needs its own turn: on a disk, a commit of a few rows takes as long as a large read. */
  async spendAll(): Promise<void> {
    await this.spend(this.#rows);
  }
}

/** Yields items one by one, with turns of the event loop in between, for a loop that awaits nothing else (L42). */
export async function* inTurns<T>(items: Iterable<T>, turns = new TurnBudget()): AsyncGenerator<T, void, undefined> {
  for (const item of items) {
    await turns.spend(1);
    yield item;
  }
}
