import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { SqlDatabase } from 'jit-access/sql';
import { nameIn } from '../../../src/stores/sql/statement.js';

/** A fixture has the texts that a store sends over one of these. */
export type Printed = 'sqlite' | 'postgres' | 'portable';

export const fixtureOf = (printed: Printed): string => fileURLToPath(new URL(`../../fixtures/sql/${printed}.sql`, import.meta.url));

/** Without what differs from call to call: the name of a savepoint, and with it the hash of its text. */
const steady = (text: string): string =>
  text.replace(/jit_access_(savepoint|release)_[0-9a-f]{8}/, 'jit_access_$1').replace(/\bjit_[0-9a-f]{32}\b/, 'jit_random');

/** Each text that a database receives, in the order in which it receives them first. */
export class SqlTexts {
  readonly #names = new Map<string, string>();
  /** The name of a text that has none, as on SQLite: the call that sends it. */
  call = '';

  add(text: string): void {
    const known = steady(text);
    if (!this.#names.has(known)) this.#names.set(known, nameIn(known) ?? this.call);
  }

  /** The database, through which each text is seen before it is sent. */
  over(db: SqlDatabase): SqlDatabase {
    return {
      withoutPlugins: () => this.over(db.withoutPlugins()),
      executeQuery: (query) => {
        this.add(query.sql);
        return db.executeQuery(query);
      },
      connection: () => ({ execute: (callback) => db.connection().execute((connection) => callback(this.over(connection))) }),
    };
  }

  printed(): string {
    return [...this.#names].map(([text, name]) => `-- ${name}\n${text}\n`).join('\n');
  }

  /** The texts that the fixture does not have. The numbers of the limits in `begin` are options of the store. */
  notIn(printed: Printed): readonly string[] {
    const limits = (text: string) => text.replaceAll(/_timeout = \d+|jit_access_begin_[0-9a-f]{8}/g, '');
    const fixture = `\n${limits(readFileSync(fixtureOf(printed), 'utf8'))}`;
    return [...this.#names.keys()].filter((text) => !fixture.includes(`\n${limits(text)}\n`));
  }
}
