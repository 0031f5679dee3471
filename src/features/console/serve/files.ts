import { invalid } from '../../../core/parse.js';

/** The page as `.tsup/console.ts` builds it from `src/console/app`. Each name has a hash of its contents. */
export interface PageFiles {
  /** The script that starts the page. */
  readonly script: string;
  /** The scripts that it imports before it runs. */
  readonly preload: readonly string[];
  readonly styles: readonly string[];
  /** The text of each file. */
  readonly texts: Readonly<Record<string, string>>;
  /** The translations of the package, by language, as JSON: `lists` and `answers` of the page's `Translation`. */
  readonly languages: Readonly<Record<string, string>>;
}

/** The build defines it. A program that runs the sources sets it on `globalThis`. */
declare const JIT_ACCESS_CONSOLE: PageFiles | null | undefined;

/** @throws InvalidArgumentError if the sources run without a build */
export function pageFiles(): PageFiles {
  const files = typeof JIT_ACCESS_CONSOLE === 'undefined' ? undefined : JIT_ACCESS_CONSOLE;
  if (!files) throw invalid('JIT_ACCESS_CONSOLE', 'the page, which `npm run build` makes', files);
  return files;
}
