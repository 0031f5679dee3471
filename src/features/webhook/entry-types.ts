import { invalid, readBoundedList } from '../../core/parse.js';
import { isEntryType } from '../../records/index.js';

/** Refuses a misspelt type, for which no webhook would ever be sent. `undefined`: all types, also those of later versions. */
export function readEntryTypes(argument: string, value: unknown): ReadonlySet<string> | undefined {
  if (value === undefined) return undefined;
  return new Set(
    readBoundedList(argument, value, 1).map((type, i) => {
      if (!isEntryType(type)) throw invalid(`${argument}[${i}]`, "an entry type, for example 'grant.issued'", type);
      return type;
    }),
  );
}
