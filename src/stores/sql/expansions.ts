import type { Tables } from './dialect/dialect.js';
import { schemaOf } from './schema.js';

/** A lock that an upgrade takes on a table that the running processes use. */
export interface SqlLock {
  /** The name of the locked table. */
  readonly table: string;
  /** What waits for it. Another upgrade always does. */
  readonly blocks: 'nothing' | 'writes' | 'reads and writes';
  /** `moment`: for a change of the catalog, however many rows there are. `scan`: for as long as it takes to read the table. */
  readonly lasts: 'moment' | 'scan';
}

/** How the tables of a layout come from those of the layout before it. An expansion only adds. */
export interface Expansion {
  readonly layout: number;
  /** Statements of one transaction. On PostgreSQL each may be repeated, if there are `indexes`. */
  readonly statements: readonly string[];
  /** Indexes that follow. PostgreSQL builds them outside of the transaction, while reads and writes continue. */
  readonly indexes: readonly SqlIndex[];
  /** Statements that undo it, as long as no contract has followed. Empty: it cannot be undone. */
  readonly undo: readonly string[];
  readonly locks: readonly SqlLock[];
}

export interface SqlIndex {
  readonly name: string;
  /** The table, the columns and the condition. */
  readonly on: string;
}

/** All expansions, in their order. Each layout of the package adds one, and none is ever changed. */
export const expansionsOf = (tables: Tables): readonly Expansion[] => [
  { layout: 1, statements: schemaOf(tables), indexes: [], undo: [], locks: [] },
];

/** Raises the number after the expansion to a layout. */
export const versionRaised = (layout: number): string => `update jit_schema set version = ${layout} where version < ${layout}`;

/** @param isApart whether the statement runs outside of a transaction */
export const indexCreated = ({ concurrently }: Tables, { name, on }: SqlIndex, isApart: boolean): string =>
  `create index ${isApart ? concurrently : ''}if not exists ${name} on ${on}`;

export const indexDropped = ({ concurrently }: Tables, { name }: SqlIndex): string => `drop index ${concurrently}if exists ${name}`;
