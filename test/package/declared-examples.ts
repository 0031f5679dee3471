import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entries } from './entries.js';

/** An `@example` of a published declaration. */
export interface DeclaredExample {
  /** The declaration: `requireGrant`. */
  readonly owner: string;
  /** The entry that it is documented for: `fetch`. */
  readonly entry: string;
  readonly code: string;
}

/** What the declarations of the built package show as examples, in the order of the files. */
export function declaredExamples(dist: string): readonly DeclaredExample[] {
  const files = (readdirSync(dist, { recursive: true }) as string[]).filter((file) => file.endsWith('.d.ts'));
  const exported = exportedNames(dist);
  return files.flatMap((file) => {
    const text = readFileSync(join(dist, file), 'utf8');
    return [...text.matchAll(/\/\*\*((?:(?!\*\/)[^])*?)@example\n([^]*?)\*\/\n(.*)/g)].map(([, , code = '', declaration = '']) => {
      const owner =
        /(?:function\*? |class |const |async |^\s*)([A-Za-z]\w*)[(<]?/.exec(declaration.replace(/^(?:export |declare )+/, ''))?.[1] ?? '';
      const own = file.replace(/\.d\.ts$/, '');
      const entry = entries.some(({ name }) => name === own)
        ? own
        : (entries.find(({ name }) => exported.get(name)?.has(owner))?.name ?? 'index');
      return { owner, entry, code: code.replace(/^ *\* ?/gm, '').trimEnd() };
    });
  });
}

/** The names that each entry exports. */
export function exportedNames(dist: string): ReadonlyMap<string, ReadonlySet<string>> {
  return new Map(
    entries.map(({ name }) => {
      const text = readFileSync(join(dist, `${name}.d.ts`), 'utf8');
      const lists = [...text.matchAll(/^export \{([^}]*)\}/gm)].flatMap(([, list = '']) => list.split(','));
      return [
        name,
        new Set(
          lists
            .map((item) =>
              item
                .trim()
                .replace(/^type /, '')
                .replace(/^.* as /, ''),
            )
            .filter((item) => item !== ''),
        ),
      ];
    }),
  );
}
