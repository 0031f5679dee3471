import type { GrantStore } from 'jit-access';

/** A server or a file that the bench has to itself, and the connections of one process that serves many namespaces. */
export interface Tenants {
  readonly name: string;
  /** How it was set up, where that decides what a commit costs. */
  readonly setting: string;
  readonly store: GrantStore;
  /** The same without notices of commits. `undefined`: a notice is part of the commit, or there is none. */
  readonly silent: GrantStore | undefined;
  /** The least that the driver needs for a durable commit: one row with this text. */
  bareCommit(namespace: string, id: string, text: string): Promise<unknown>;
  /** CPU time that the server has taken so far, in milliseconds. `undefined`: it cannot be read. */
  cpuMs(): Promise<number | undefined>;
  close(): Promise<void>;
}
