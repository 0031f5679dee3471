import type { EntryDraft } from '../../lifecycle/transition.js';
import { within } from '../../core/timers.js';
import type { Clock } from '../../core/ports.js';
import type { Change, CommitAnswer, RowKey } from '../../core/store-port.js';
import { FirstEntries } from './first-entries.js';
import { JournalHold } from './journal-hold.js';
import type { JournalReader } from './journal-reader.js';

/** How long the first commits wait for all hooks together. */
const LIMIT_MS = 1_000;

/** Starts a follower of the journal before this engine writes to the journal. */
export interface CommitHook {
  /** Names the hook in reports. */
  readonly during: string;
  /** The id of the shared cursor that the hook makes; `undefined`: it makes none. */
  readonly cursor: string | undefined;
  readonly hasBegun: boolean;
  begin(): Promise<unknown>;
}

/**
 * Runs the hooks once for each engine, together, before the first commit. A hook that fails or takes too long is reported and
 * continues in the background. So a follower that cannot start delays no revoke, and any other commit by at most one second (L38).
 */
export class CommitHooks {
  readonly #clock: Clock;
  readonly #onError: (error: unknown, during: string) => void;
  readonly #all: CommitHook[] = [];
  readonly #hold = new JournalHold();
  readonly #firstEntries: FirstEntries;
  #new: CommitHook[] = [];
  #running: Promise<unknown> | undefined;

  constructor(journal: JournalReader, clock: Clock, onError: (error: unknown, during: string) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#firstEntries = new FirstEntries(journal);
  }

  /** A hook that is added after the first commit runs before the next one. */
  add(hook: CommitHook): void {
    this.#all.push(hook);
    this.#new.push(hook);
  }

  /** Await this before a change is built. Starts the hooks, and waits for them unless the change ends access or has no entry. */
  before(entries: readonly EntryDraft[], creates: boolean): Promise<unknown> | undefined {
    if (entries.length === 0) return undefined;
    const ready = this.ready();
    return creates || !entries.some(isEnd) ? ready : undefined;
  }

  /** Adds a hold row to a change while a shared sink has no cursor yet: no purge may remove entries that the sink lacks (L33). */
  hold(change: Change): Change {
    return this.#hold.addTo(change, this.#missingCursors());
  }

  /** Tracks a change that was sent, and its outcome. @returns whether the change was committed */
  async sent(change: Change, sent: Promise<CommitAnswer>): Promise<boolean> {
    this.#firstEntries.sent(change, sent);
    const { outcome } = await sent;
    if (outcome !== 'committed') return false;
    this.#hold.committed(change);
    return true;
  }

  /** See {@link FirstEntries.seqBefore}. */
  seqBeforeFirstEntry(): Promise<number | undefined> {
    return this.#firstEntries.seqBefore();
  }

  /** The keys of the hold rows that the store may have, once every shared sink has its cursor. Returns each key once. */
  takeHolds(): readonly RowKey[] {
    return this.#missingCursors().length === 0 ? this.#hold.take() : [];
  }

  /** The shared cursors that may not be in the store yet. */
  #missingCursors(): readonly string[] {
    return this.#all.flatMap(({ cursor, hasBegun }) => (hasBegun ? [] : (cursor ?? [])));
  }

  /** Runs the hooks that have not run yet. Resolves when they have ended or the time limit has passed; never rejects. */
  ready(): Promise<unknown> | undefined {
    const hooks = this.#new;
    if (hooks.length === 0) return this.#running;
    this.#new = [];
    const running = Promise.all([this.#running, this.#run(hooks)]).then(() => {
      if (this.#running === running) this.#running = undefined;
    });
    this.#running = running;
    return running;
  }

  /** Never rejects. */
  async #run(hooks: readonly CommitHook[]): Promise<void> {
    const open = new Set(hooks);
    const begin = async (hook: CommitHook): Promise<void> => {
      try {
        await hook.begin();
      } catch (error) {
        this.#onError(error, hook.during);
      }
      open.delete(hook);
    };
    const timeout = () => new Error(`did not begin within ${LIMIT_MS} ms: commits no longer wait for it`);
    try {
      await within(this.#clock, LIMIT_MS, () => Promise.all(hooks.map(begin)), timeout);
    } catch (error) {
      for (const { during } of open) this.#onError(error, during);
    }
  }
}

const END_TYPES: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'grant.expired',
  'grant.revoked',
  'request.denied',
  'request.cancelled',
  'request.expired',
]);

/** Includes a denial that does not end its request alone, so that no denial waits for the hooks. */
const isEnd = ({ type, data }: EntryDraft): boolean =>
  END_TYPES.has(type) || (type === 'request.reviewed' && (data['review'] as { readonly verdict?: unknown }).verdict === 'deny');
