import { invalid, readBoundedList } from '../../core/parse.js';
import { isEntryType } from '../../records/index.js';

/** A misspelt type is refused: it would be a webhook that never comes. `undefined`: all of them, later ones too. */
export function readEntryTypes(argument: string, value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  return new Set(
    readBoundedList(argument, value, 1).map((type, i) => {
      if (!isEntryType(type)) throw invalid(`${argument}[${i}]`, 'a type of entry', type);
      return type;
    }),
  );
}
