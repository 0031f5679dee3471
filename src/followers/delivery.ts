import type { AuditSink, SinkContext } from '../core/ports.js';
import { within } from '../core/timers.js';
import type { Kernel } from '../kernel/kernel.js';
import type { AuditEntry } from '../records/index.js';
import { countRefusal, isWaiting, MAX_REFUSALS, nameOf, refusedIn, withhold } from './refused-entry.js';
import type { Refusals } from '../model/bookmark.js';

/** Why a page was not delivered. `refusals` includes this failure if the destination refuses one entry of the page. */
export type DeliveryFailure =
  | { readonly error: unknown; readonly isRefusal: true; readonly refusals: Refusals }
  | { readonly error: unknown; readonly isRefusal: false; readonly refusals: Refusals | undefined };

/** Writes pages of the journal to one sink, each whole or in the withheld form that a refusing destination may accept. */
export class Delivery {
  readonly #sink: AuditSink;
  readonly #kernel: Kernel;
  readonly #context: SinkContext;
  readonly #timeoutMs: number;
  /** Whether the destination has accepted a withheld form in this delivery. Then it works, and refuses entries for their texts. */
  #hasWithheld = false;
  /** The write that has not settled, even after its timeout. Until it settles, the sink gets no further entries. */
  #writing: Promise<unknown> | undefined;

  constructor(sink: AuditSink, kernel: Kernel, context: SinkContext, timeoutMs: number) {
    this.#sink = sink;
    this.#kernel = kernel;
    this.#context = context;
    this.#timeoutMs = timeoutMs;
  }

  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /** Call this when a delivery has ended. */
  end(): void {
    this.#hasWithheld = false;
  }

  report(error: unknown): void {
    this.#kernel.settings.onError(error, `sink ${this.#sink.name}`);
  }

  /** @throws Error while the follower waits because the destination has refused even the withheld form */
  refuseWhileWaiting(refusals: Refusals | undefined, page: readonly AuditEntry[]): void {
    if (refusals === undefined || refusals.seq !== firstOf(page).seq) return;
    if (!isWaiting(refusals, this.#kernel.clock.read().now)) return;
    const until = new Date(refusals.retryAt).toISOString();
    throw new Error(`sink ${this.#sink.name} waits until ${until}: its destination refuses ${nameOf(refusals)}, even without texts`);
  }

  /**
   * Writes a page. An entry that the destination has refused too often is delivered alone, and without its texts (L37).
   *
   * @returns `undefined`: the page is delivered
   */
  async deliver(page: readonly AuditEntry[], before: Refusals | undefined): Promise<DeliveryFailure | undefined> {
    const entry = firstOf(page);
    const count = before?.seq === entry.seq ? before.count : 0;
    if (count < MAX_REFUSALS) return this.#try(page, page, before);
    if (count > MAX_REFUSALS) {
      // A destination that has refused even the withheld form was failing. By now it may accept the whole entry.
      const failure = await this.#try(page, page, before);
      if (failure?.isRefusal !== true) return failure;
    }
    const failure = await this.#try([withhold(entry)], page, before);
    const { name } = this.#sink;
    if (failure === undefined) {
      this.#hasWithheld = true;
      this.report(new Error(`sink ${name} delivered ${nameOf(entry)} without its texts: its destination had refused it ${count} times`));
    } else if (failure.isRefusal) {
      const message = `the destination of sink ${name} is failing: it refuses ${nameOf(entry)} even without texts`;
      this.report(new Error(message, { cause: failure.error }));
    }
    return failure;
  }

  /**
   * Lets a refused entry be tried again at once, if this delivery has proven that the destination refuses texts. Otherwise each
   * such entry would cost five passes, and a caller that sends many such texts would delay all other entries (L37).
   *
   * @throws the error of the failure if the next try must wait
   */
  repeatAtOnce({ error, isRefusal, refusals }: DeliveryFailure): true {
    if (!this.#hasWithheld || !isRefusal || refusals.count > MAX_REFUSALS) throw error;
    this.report(error);
    return true;
  }

  /** Writes `form`, the form in which `page` is delivered. */
  async #try(form: readonly AuditEntry[], page: readonly AuditEntry[], before: Refusals | undefined): Promise<DeliveryFailure | undefined> {
    try {
      await this.#write(form);
      return undefined;
    } catch (error) {
      const refused = refusedIn(page, error);
      if (refused === undefined) return { error, isRefusal: false, refusals: before };
      return { error, isRefusal: true, refusals: countRefusal(before, refused, this.#kernel.clock.read().now) };
    }
  }

  async #write(entries: readonly AuditEntry[]): Promise<void> {
    const { name } = this.#sink;
    if (this.#writing !== undefined) throw new Error(`an earlier write of sink ${name} has not settled`);
    const done = () => (this.#writing = undefined);
    // Drops the result: returning a thenable would make this promise adopt it, and it may never settle.
    const writing = Promise.resolve()
      .then(() => this.#sink.write(entries, this.#context))
      .then(() => undefined);
    this.#writing = writing.then(done, done);
    const timeout = () => new Error(`sink ${name} did not settle within ${this.#timeoutMs} ms`);
    await within(this.#kernel.clock.source, this.#timeoutMs, () => writing, timeout);
  }
}

/** The first entry of a page, which is never empty. */
const firstOf = (page: readonly AuditEntry[]): AuditEntry => page[0] as AuditEntry;
