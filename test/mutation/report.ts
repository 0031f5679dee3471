import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../docs/pages.js';

/** Where Stryker leaves what it found: stryker.config.js says so. */
const REPORT = 'temp/mutation/report.json';

/** One mutant, and its result. */
export interface Mutant {
  /** From src on. */
  readonly file: string;
  /** Stryker's name of the kind of change. */
  readonly mutator: string;
  /** The text of its first line, without the indent. A line number would change with the next edit above. */
  readonly line: string;
  /** The original and the changed code, with white space as one space. */
  readonly from: string;
  readonly to: string;
  readonly status: 'Killed' | 'Timeout' | 'Survived' | 'NoCoverage' | 'Ignored' | 'CompileError' | 'RuntimeError' | 'Pending';
}

/** The part of the report's published format that is read here. */
interface Report {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly mutatorName: string;
          readonly replacement?: string;
          readonly status: Mutant['status'];
          readonly location: { readonly start: Position; readonly end: Position };
        }[];
      }
    >
  >;
}

/** Both from 1 on. */
interface Position {
  readonly line: number;
  readonly column: number;
}

/** All that the last run of Stryker changed, and what earlier ones did that it took over. */
export const lastRun = (): Mutant[] => mutantsOf(JSON.parse(readFileSync(join(root, REPORT), 'utf8')) as Report);

function mutantsOf({ files }: Report): Mutant[] {
  return Object.entries(files).flatMap(([path, { source, mutants }]) => {
    const lines = source.split('\n');
    return mutants.map(({ mutatorName, replacement = '', status, location: { start, end } }) => ({
      file: path.replace(/^src\//, ''),
      mutator: mutatorName,
      line: lines[start.line - 1]?.trim() ?? '',
      from: inOneLine(between(lines, start, end)),
      to: inOneLine(replacement),
      status,
    }));
  });
}

const inOneLine = (text: string): string => text.replace(/\s+/g, ' ').trim();

function between(lines: readonly string[], start: Position, end: Position): string {
  const part = lines.slice(start.line - 1, end.line);
  part[part.length - 1] = part.at(-1)?.slice(0, end.column - 1) ?? '';
  part[0] = part[0]?.slice(start.column - 1) ?? '';
  return part.join('\n');
}
