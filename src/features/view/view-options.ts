import { invalid, readCount } from '../../core/parse.js';
import type { Load } from './loader.js';

/** How a view follows its store. */
export interface ViewOptions {
  /**
   * After so many milliseconds without an answer of the store, every answer that needs a grant is no. It bounds how long a view may allow
   * after a revoke. 20 to 3,600,000. Default: 1,000.
   */
  readonly maxStaleMs?: number | undefined;
  /** The pause between two questions to the store, in milliseconds. 5 to half of `maxStaleMs`. Default: a quarter of `maxStaleMs`. */
  readonly pollMs?: number | undefined;
  /** What a decision can name: `ids`, or `nothing`, which takes less memory. Default: `'ids'`. */
  readonly keep?: 'ids' | 'nothing' | undefined;
  /**
   * Which grants the view holds.
   *
   * - `all`: those of the namespace.
   * - `asked`: those of the subjects that were asked about. The first question about a subject is answered with `not_loaded`.
   *
   * Default: `all` for up to 200,000 live grants when the view begins, otherwise `asked`.
   */
  readonly load?: 'all' | 'asked' | undefined;
  /**
   * How to judge a grant with a number of uses: a view takes no use. Default: `'deny'`.
   *
   * - `'deny'`: the grant does not allow, and the reason is `use_required`.
   * - `'allow'`: the grant allows as in an engine's `check`. The service must call the engine's `consume` elsewhere.
   */
  readonly countedGrants?: 'deny' | 'allow' | undefined;
}

/** The options, with their defaults. */
export interface ParsedViewOptions {
  readonly maxStaleMs: number;
  readonly pollMs: number;
  readonly keepsIds: boolean;
  readonly load: Load | undefined;
  readonly takesUses: boolean;
}

export const VIEW_OPTIONS = ['maxStaleMs', 'pollMs', 'keep', 'load', 'countedGrants'] as const satisfies readonly (keyof ViewOptions)[];

/** @throws InvalidArgumentError naming the option */
export function readViewOptions(given: { readonly [Name in keyof ViewOptions]: unknown }): ParsedViewOptions {
  const { keep = 'ids', load, countedGrants = 'deny' } = given;
  const maxStaleMs = readCount('maxStaleMs', given.maxStaleMs ?? 1_000, 20, 3_600_000);
  const pollMs = readCount('pollMs', given.pollMs ?? Math.floor(maxStaleMs / 4), 5, Math.floor(maxStaleMs / 2));
  if (keep !== 'ids' && keep !== 'nothing') throw invalid('keep', "'ids' or 'nothing'", keep);
  if (load !== undefined && load !== 'all' && load !== 'asked') throw invalid('load', "'all' or 'asked'", load);
  if (countedGrants !== 'deny' && countedGrants !== 'allow') throw invalid('countedGrants', "'deny' or 'allow'", countedGrants);
  return { maxStaleMs, pollMs, keepsIds: keep === 'ids', load, takesUses: countedGrants === 'allow' };
}
