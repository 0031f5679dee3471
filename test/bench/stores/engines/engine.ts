import type { GrantStore } from 'jit-access';
import type { OnCommit } from 'jit-access/sql';
import type { Write } from '../measure/requests.js';
import type { Call } from '../measure/rounds.js';

/** A store over a connection of its own. */
export interface Opened {
  readonly store: GrantStore;
  /** By the bare driver, over the same network: into the store's own tables, in the namespace `bare`. */
  readonly write: Write;
  /** Over the same connection, with an `onCommit` that inserts a row for each change. Not on Redis. */
  readonly hooked?: GrantStore | undefined;
  close(): Promise<void>;
}

/** The table of the hooks, and a hook that writes a row of it for each change. */
export const ORDERS = 'create table orders (change_id text primary key)';
export const hookOf =
  (text: string): OnCommit =>
  async ({ id }, { query }) => {
    await query(text, [id]);
  };

/** A way that checks take. */
export interface Way {
  readonly store: GrantStore;
  /** The driver under it, by its name in {@link Engine.bare}. */
  readonly driver: string;
}

/** A server or a file that the bench has to itself, and the ways to it. */
export interface Engine {
  readonly name: string;
  /** How many calls of one round: some tenths of a second. */
  readonly calls: number;
  /** How it was set up, where that decides what a commit costs. */
  readonly setting: string;
  readonly ways: Readonly<Record<string, Way>>;
  /** By driver, its bare look-up of what the check of the nth question asks. Called once the grants are there. */
  bare(questions: readonly { readonly subject: string; readonly scope: string }[]): Promise<Readonly<Record<string, Call>>>;
  /** As another process would open it, over a network that takes that long; `undefined`: there is no network. */
  open(delayMs: number): Promise<Opened> | undefined;
  /** Bytes that all of it takes, once it has settled. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}
