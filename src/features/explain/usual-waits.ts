import { SingleFlight } from '../../core/single-flight.js';
import { TurnBudget } from '../../core/turns.js';
import type { Kernel } from '../../kernel/kernel.js';
import { decodeRequest, MAX_LOOK } from '../../records/index.js';

/** How long the figures are used again. Milliseconds. */
const KEPT_MS = 60_000;
/** Fewer decided requests than this say little, and more about single persons. */
const FEWEST = 20;
/** The newest decided requests of a rule that count. */
const MOST = 100;

/** Returns the usual wait under a rule, in milliseconds. `undefined`: too few requests of it were decided. */
export type UsualWait = (approver: string, rule: string | undefined) => number | undefined;

/**
 * How long reviewers usually take to decide: for each rule, the median of its newest decided requests. No index leads from a rule to its
 * requests, so one look at the newest 1,000 closed requests serves all rules, and all callers for a minute.
 */
export class UsualWaits {
  readonly #kernel: Kernel;
  readonly #running = new SingleFlight<UsualWait>();
  #kept: { readonly at: number; readonly wait: UsualWait } | undefined;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** @throws StoreError, ClockError */
  async read(): Promise<UsualWait> {
    const { now } = this.#kernel.clock.read();
    const kept = this.#kept;
    // A clock that was set back makes the kept answer old.
    if (kept !== undefined && now >= kept.at && now - kept.at < KEPT_MS) return kept.wait;
    return this.#running.join(async () => {
      const wait = await this.#look();
      this.#kept = { at: now, wait };
      return wait;
    });
  }

  async #look(): Promise<UsualWait> {
    const { ledger, settings } = this.#kernel;
    const waits = new Map<string, number[]>();
    const turns = new TurnBudget();
    let left = MAX_LOOK;
    for await (const rows of ledger.pages({ kind: 'request', open: false, order: 'newest' }, undefined, 200, turns)) {
      for (const { createdAt, approver, rule, end } of settings.decodeAll(rows, decodeRequest)) {
        if (approver === undefined || end?.cause !== 'quorum') continue;
        const name = nameOf(approver, rule);
        const ofRule = waits.get(name) ?? [];
        if (ofRule.length < MOST) waits.set(name, [...ofRule, end.at - createdAt]);
      }
      left -= 200;
      if (left <= 0) break;
    }
    const medians = new Map([...waits].flatMap(([name, all]) => (all.length < FEWEST ? [] : [[name, medianOf(all)] as const])));
    return (approver, rule) => medians.get(nameOf(approver, rule));
  }
}

const nameOf = (approver: string, rule: string | undefined): string => JSON.stringify([approver, rule]);

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return Math.round(((sorted[Math.ceil(middle) - 1] as number) + (sorted[Math.floor(middle)] as number)) / 2);
}
