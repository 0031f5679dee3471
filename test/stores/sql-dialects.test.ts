import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { portable, portableTables } from '../../src/stores/sql/dialect/portable.js';
import { postgres, postgresTables } from '../../src/stores/sql/dialect/postgres.js';
import { sqlite, sqliteTables } from '../../src/stores/sql/dialect/sqlite.js';
import { modules, syntaxOf } from '../figures/modules.js';

/** Whether the code of a module, without its comments, has one of the words that name a dialect. */
function namesDialect(module: string): boolean {
  const visit = (node: ts.Node): boolean =>
    (ts.isStringLiteralLike(node) && ['postgres', 'sqlite'].includes(node.text)) ||
    (ts.isIdentifier(node) && ['portable', 'SqlDialect'].includes(node.text)) ||
    (ts.forEachChild(node, (child) => visit(child) || undefined) ?? false);
  return visit(syntaxOf(module));
}

/** The members of `own` that are not those of `base`. */
const overridden = (own: object, base: object): string[] =>
  Object.entries(own).flatMap(([name, value]) => (value === base[name as keyof typeof base] ? [] : [name]));

describe('the dialects of the SQL store', () => {
  it('are named only where the options are read, and where they are written', () => {
    const named = modules.filter((module) => module === 'sql' || module.startsWith('stores/sql/')).filter(namesDialect);
    expect(named.filter((module) => !module.startsWith('stores/sql/dialect/'))).toEqual([
      'sql',
      'stores/sql/migrations',
      'stores/sql/options',
    ]);
    expect(named).toContain('stores/sql/dialect/portable');
  });

  it('have no member that is their name', () => {
    for (const dialect of [sqlite, postgres, portable(), sqliteTables, postgresTables, portableTables()])
      expect(Object.values(dialect).filter((value) => ['sqlite', 'postgres', 'portable'].includes(value as string))).toEqual([]);
  });

  it('differ only in these members for a server that speaks the protocol of PostgreSQL', () => {
    expect(overridden(portable(), postgres).sort()).toEqual([
      'atOnce',
      'begin',
      'byteOrder',
      'guessed',
      'hold',
      'joinsWrites',
      'listening',
      'lock',
      'namespaces',
      'probe',
      'remove',
      'schema',
    ]);
    expect(overridden(portableTables(), postgresTables).sort()).toEqual(['dialect', 'text']);
    expect(Object.keys(portable()).sort()).toEqual(Object.keys(postgres).sort());
  });
});
