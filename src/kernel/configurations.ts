import { InvalidArgumentError } from '../core/errors.js';
import { quote } from '../core/parse.js';
import { bookmark } from '../records/bookmark.js';
import { digestOf } from '../journal/link.js';
import type { EngineClock } from '../core/clock.js';
import type { Background } from './background.js';
import { ENGINE_ROW, readConfiguration, readConfigurations, SILENCE_MS, type Configuration } from './configuration-rows.js';
import type { Ledger } from './ledger/ledger.js';
import type { Settings } from './settings/settings.js';
import type { Kernel } from './kernel.js';

const HOUR_MS = 3_600_000;
/** After a failure, the first commit after this pause tries again. */
const RETRY_MS = 60_000;
/** The most rows that are read. They are enough to report that a namespace has more than one configuration. */
const MAX_ROWS = 16;

/**
 * Detects two services that share one namespace. Each engine writes one row for its configuration, at its first commit and at
 * most once an hour. It reports to `onError` the other configurations that it finds: another approver, or another scope matcher.
 * All of this is best effort and runs after commits, so it delays none (L38).
 */
export class Configurations {
  readonly #settings: Pick<Settings, 'store' | 'approver' | 'scopes' | 'onError'>;
  readonly #clock: EngineClock;
  readonly #ledger: Ledger;
  readonly #background: Background;
  #nextAt = 0;

  constructor(kernel: Kernel) {
    this.#settings = kernel.settings;
    this.#clock = kernel.clock;
    this.#ledger = kernel.ledger;
    this.#background = kernel.background;
    kernel.onCommit(() => this.#afterCommit());
  }

  /** Skips an in-memory store: engines share such a store only when code passes them the same object on purpose. */
  #afterCommit(): void {
    const now = this.#clock.highWater;
    if (this.#settings.store.durability === 'memory' || now < this.#nextAt) return;
    this.#nextAt = now + HOUR_MS;
    this.#background.run(this.#meet(now), 'engines');
  }

  async #meet(now: number): Promise<void> {
    try {
      await this.#announce(now);
      this.#tell(await this.#others(now));
    } catch (error) {
      this.#nextAt = now + RETRY_MS;
      throw error;
    }
  }

  /** Writes this engine's row. A conflict needs no second try: another engine with the same configuration has just written the row. */
  async #announce(now: number): Promise<void> {
    const { approver, scopes } = this.#settings;
    const id = digestOf([approver.name, scopes.name]);
    const version = (await this.#ledger.row(ENGINE_ROW, id))?.version ?? 0;
    const put = bookmark(ENGINE_ROW, id, version + 1, { approver: approver.name, matcher: scopes.name, seenAt: now });
    // Derives the change id from the content. In tests with seeded randomness, a random id would change those of a concurrent verb.
    const change = digestOf([ENGINE_ROW, id, version + 1, now]);
    await this.#settings.store.commit({ id: change, expect: [{ kind: ENGINE_ROW, id, version }], put: [put], append: [] });
  }

  async #others(now: number): Promise<readonly Configuration[]> {
    const { approver, scopes, onError } = this.#settings;
    const { items } = await this.#ledger.find({ kind: ENGINE_ROW, limit: MAX_ROWS });
    return readConfigurations(items, (error) => onError(error, 'engines')).filter(
      (one) => one.seenAt > now - SILENCE_MS && (one.approver !== approver.name || one.matcher !== scopes.name),
    );
  }

  #tell(others: readonly Configuration[]): void {
    if (others.length === 0) return;
    const { store, approver, scopes, onError } = this.#settings;
    const inWords = ({ approver: name, matcher }: Omit<Configuration, 'seenAt'>) => `approver ${quote(name)} with scopes ${quote(matcher)}`;
    const rule = `that of one service: ${store.namespace} is used by ${inWords({ approver: approver.name, matcher: scopes.name })}, and within a day by`;
    onError(new InvalidArgumentError('store.namespace', rule, others.map(inWords).join(' and ')), 'engines');
  }
}

/**
 * Removes the rows that no engine has written for a day. The engine that purges keeps its own row: its commits renew it. An
 * unreadable row is reported and kept.
 */
export async function removeSilentEngines({ ledger, clock, settings }: Kernel): Promise<void> {
  const { now } = clock.read();
  for await (const rows of ledger.pages({ kind: ENGINE_ROW })) {
    for (const row of rows) {
      try {
        if (readConfiguration(row).seenAt > now - SILENCE_MS) continue;
        const { kind, id, version } = row;
        await ledger.commit({ expect: [{ kind, id, version }], put: [], remove: [{ kind, id }] });
      } catch (error) {
        settings.onError(error, 'purge');
      }
    }
  }
}
