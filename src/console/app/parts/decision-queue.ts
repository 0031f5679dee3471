import { signal, type ReadonlySignal } from '@preact/signals';
import { hasFields, isBoolean, isListOf, isNumber, isOneOf, isText, optional } from '../frame/shape.js';
import { refusalOf, type Refusal } from './decision-refusal.js';
import { lastingProblem } from './problem-text.js';

/*
 * Decisions with an undo. Each is sent once: five seconds after the tap, or at once when the page is hidden or left. It is kept with the
 * drafts until the API has answered, so a decision that failed behind a closed page is shown at the next visit. Nothing that was kept is
 * ever sent by itself: a person decides again.
 */

/** How long a decision can be undone. Milliseconds. */
export const UNDO_MS = 5_000;
/** A call without an answer is said to be late after this time. Milliseconds. */
const LATE_MS = 10_000;
/** A call is never ended. Without an answer in this time, the request is asked whether it has the decision. Milliseconds. */
const LOST_MS = 30_000;
/** The most calls on their way at once, while the page is shown. */
const AT_ONCE = 4;
/** The most bytes of calls that a page may leave on their way: browsers drop what is above 64 KiB in all. */
const LEAVING_BYTES = 48 * 1_024;

/** What a person decided, with what the texts of the undo name. */
export interface Decision {
  readonly requestId: string;
  /** The version of the request that the person saw. */
  readonly version: number;
  readonly verdict: 'approve' | 'deny' | 'justified' | 'unjustified';
  /** Who, what and how long, as the person saw it when deciding. */
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly ttlMs: number;
  /** Whether the approval allows less than what was requested. */
  readonly isNarrowed: boolean;
  /** When the person decided, by the clock of the service. Epoch milliseconds. */
  readonly decidedAt: number;
  readonly reason: string | undefined;
  readonly comment: string | undefined;
}

/**
 * A decision that is not recorded yet.
 *
 * - `waiting`: it can be undone. It is sent after its time, as soon as fewer than four calls are on their way.
 * - `sending`: the API has not answered.
 * - `unanswered`: no answer arrived, or one without a result. Only the request says whether it was recorded.
 * - `refused`: the API did not record it. `refusal.name` is `unrecorded` if only the request says so.
 */
export type HeldDecision = Decision & {
  /** What the API said, if its failure lasts until an operator acts. */
  readonly lasting?: string | undefined;
  /** Whether a call that is on its way has had no answer for ten seconds. */
  readonly isLate?: boolean | undefined;
} & ({ readonly state: 'waiting' | 'sending' | 'unanswered' } | { readonly state: 'refused'; readonly refusal: Refusal });

/** What the queue needs of the page. */
export interface QueuePorts {
  /** Sends a decision. The call must outlive the page. Rejects with the errors of the client. */
  readonly send: (decision: Decision) => Promise<unknown>;
  /** Whether the request has this decision of the caller. */
  readonly isRecorded: (decision: Decision) => Promise<boolean>;
  /** Keeps the decisions under the caller's id, as long as the drafts. An empty list removes them. */
  readonly keep: (held: readonly HeldDecision[]) => void;
  readonly isVisible: () => boolean;
  /** Calls back after a time, and returns what cancels that. */
  readonly after: (ms: number, run: () => void) => () => void;
  /** Called when the API has recorded a decision. */
  readonly onRecorded: (decision: Decision) => void;
  /** Called when a decision was not recorded, or no answer arrived. */
  readonly onRefused: (decision: HeldDecision) => void;
}

const isRefusal = hasFields({
  name: isText,
  status: optional(isNumber),
  why: optional(isText),
  stepUp: optional(hasFields({ acrValues: optional(isText), maxAge: optional(isNumber) })),
});
const isHeld = hasFields({
  requestId: isText,
  version: isNumber,
  verdict: isOneOf('approve', 'deny', 'justified', 'unjustified'),
  subject: isText,
  scopes: isListOf(isText),
  ttlMs: isNumber,
  isNarrowed: isBoolean,
  decidedAt: isNumber,
  reason: optional(isText),
  comment: optional(isText),
  lasting: optional(isText),
  state: isOneOf('waiting', 'sending', 'unanswered', 'refused'),
});

/** The decisions of what was kept that have the shape of this version. The others are dropped: nothing that was kept is sent by itself. */
export const readKept = (kept: unknown): readonly HeldDecision[] =>
  (Array.isArray(kept) ? (kept as readonly HeldDecision[]) : []).filter(
    (held) => isHeld(held) && (held.state !== 'refused' || isRefusal(held.refusal)),
  );

/** At least the bytes of the call: its body has a part of this. */
const bytesOf = (decision: Decision): number => new TextEncoder().encode(JSON.stringify(decision)).length;

const UNRECORDED: Refusal = { status: undefined, name: 'unrecorded', why: undefined, stepUp: undefined };

/** The decisions of one caller on one page. At most one for each request. */
export class DecisionQueue {
  readonly #ports: QueuePorts;
  readonly #cancels = new Map<string, () => void>();
  /** The calls on their way. */
  readonly #calls = new Set<{ readonly bytes: number }>();
  /** The requests whose decisions wait for a call to end. */
  readonly #line = new Set<string>();
  readonly #held = signal<readonly HeldDecision[]>([]);
  #isClosed = false;

  /** @param kept what `keep` was given last, before the page was left */
  constructor(ports: QueuePorts, kept: readonly HeldDecision[] = []) {
    this.#ports = ports;
    // A page that is left sends everything. Its answers arrived nowhere.
    this.#held.value = kept.map((one) => (one.state === 'refused' ? one : { ...one, state: 'unanswered' }));
  }

  get held(): ReadonlySignal<readonly HeldDecision[]> {
    return this.#held;
  }

  of(requestId: string): HeldDecision | undefined {
    return this.#held.value.find((one) => one.requestId === requestId);
  }

  /** @returns `false`: a decision about this request waits for its answer already, and this one is dropped */
  decide(decision: Decision): boolean {
    const { state } = this.of(decision.requestId) ?? {};
    if (this.#isClosed || state === 'waiting' || state === 'sending') return false;
    this.#set({ ...decision, state: 'waiting' });
    if (this.#ports.isVisible()) {
      const cancel = this.#ports.after(UNDO_MS, () => this.#send(decision.requestId));
      this.#cancels.set(decision.requestId, cancel);
    } else this.#send(decision.requestId, true);
    return true;
  }

  /** @returns `false`: it is too late, or there is nothing to undo */
  undo(requestId: string): boolean {
    if (this.of(requestId)?.state !== 'waiting') return false;
    this.#drop(requestId);
    return true;
  }

  /** Removes a decision that was refused, or whose answer did not arrive. */
  dismiss(requestId: string): void {
    const { state } = this.of(requestId) ?? {};
    if (state === 'refused' || state === 'unanswered') this.#drop(requestId);
  }

  /** Sends what waits, at once: the page is hidden or left. What a browser would drop stays, and follows if the page lives on. */
  flush(): void {
    for (const { requestId } of this.#held.value.filter(({ state }) => state === 'waiting')) this.#send(requestId, true);
  }

  /** Ends the queue and drops what waits, unsent: the page has another caller. */
  close(): void {
    this.#isClosed = true;
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    this.#line.clear();
    this.#held.value = [];
  }

  #send(requestId: string, isLeaving = false): void {
    const held = this.of(requestId);
    this.#line.delete(requestId);
    // A timer that runs after an undo, or beside a flush, finds nothing that waits.
    if (this.#isClosed || held?.state !== 'waiting') return;
    this.#cancels.get(requestId)?.();
    this.#cancels.delete(requestId);
    const call = { bytes: bytesOf(held) };
    const bytes = [...this.#calls].reduce((sum, one) => sum + one.bytes, call.bytes);
    if (isLeaving ? bytes > LEAVING_BYTES : this.#calls.size >= AT_ONCE) {
      this.#line.add(requestId);
      return;
    }
    this.#calls.add(call);
    this.#set({ ...held, state: 'sending' });
    this.#call(held, () => {
      if (!this.#calls.delete(call)) return;
      for (const next of [...this.#line]) this.#send(next);
    });
  }

  /** @param onEnded called when the call has ended, or is lost */
  #call(held: HeldDecision, onEnded: () => void): void {
    const { requestId } = held;
    const stopLate = this.#ports.after(LATE_MS, () => this.#set({ ...held, state: 'sending', isLate: true }));
    const stopLost = this.#ports.after(LOST_MS, () => {
      this.#failed({ ...held, state: 'unanswered' });
      onEnded();
      void this.check();
    });
    const stop = () => {
      stopLate();
      stopLost();
    };
    this.#cancels.set(requestId, stop);
    void this.#ports.send(held).then(
      () => {
        stop();
        onEnded();
        // In the meantime it may have been found to be recorded, and the person may have decided about something else.
        if (this.of(requestId)?.decidedAt === held.decidedAt) this.#recorded(held);
      },
      (error: unknown) => {
        stop();
        onEnded();
        if (this.of(requestId)?.decidedAt !== held.decidedAt) return;
        const refusal = refusalOf(error);
        // After a 5xx the review may still be in the journal.
        this.#failed(
          (refusal.status ?? 500) < 500
            ? { ...held, state: 'refused', refusal }
            : { ...held, state: 'unanswered', lasting: lastingProblem(error) },
        );
      },
    );
  }

  /** Looks up the outcome of the decisions without an answer. A decision whose look-up fails does not change. */
  async check(): Promise<void> {
    const lost = this.#held.value.filter(
      (one) => one.state === 'unanswered' || (one.state === 'refused' && one.refusal.name === 'unrecorded'),
    );
    for (const held of lost) {
      const isRecorded = await this.#ports.isRecorded(held).catch(() => undefined);
      // In the meantime the person may have dismissed it, or decided again.
      if (isRecorded === undefined || this.of(held.requestId) !== held) continue;
      if (isRecorded) this.#recorded(held);
      else if (held.state === 'unanswered') this.#failed({ ...held, state: 'refused', refusal: UNRECORDED });
    }
  }

  #recorded(held: HeldDecision): void {
    if (this.#isClosed) return;
    this.#drop(held.requestId);
    this.#ports.onRecorded(held);
  }

  #failed(held: HeldDecision): void {
    if (this.#isClosed) return;
    this.#set(held);
    this.#ports.onRefused(held);
  }

  #set(held: HeldDecision): void {
    this.#write([...this.#held.value.filter(({ requestId }) => requestId !== held.requestId), held]);
  }

  #drop(requestId: string): void {
    this.#cancels.get(requestId)?.();
    this.#cancels.delete(requestId);
    this.#write(this.#held.value.filter((one) => one.requestId !== requestId));
  }

  #write(held: readonly HeldDecision[]): void {
    this.#held.value = held;
    this.#ports.keep(held);
  }
}
