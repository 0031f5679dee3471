import type { AccessRequest, Grant } from '../../records/index.js';
import type { RevokeAllReport } from '../answers.js';

/** The greatest number of scopes in `similar`. */
const MAX_SIMILAR = 10;

/** Whether a target has matched a record; if not, which scopes the caller may have meant. */
export class TargetMatch {
  readonly #first: string | undefined;
  readonly #similar = new Set<string>();
  #matched = false;

  /** @param scope the scope or pattern of the target; `undefined`: it has none */
  constructor(scope: string | undefined) {
    this.#first = scope === undefined ? undefined : firstSegment(scope);
  }

  /** Counts a record, unless it has ended: a request may be open only for its break-glass review. */
  add({ end }: Pick<Grant | AccessRequest, 'end'>, scopes: readonly string[], isMatch: boolean): void {
    if (end !== undefined) return;
    this.#matched ||= isMatch;
    for (const scope of scopes) {
      if (this.#similar.size < MAX_SIMILAR && firstSegment(scope) === this.#first) this.#similar.add(scope);
    }
  }

  report(): Pick<RevokeAllReport, 'matched' | 'similar'> {
    return { matched: this.#matched, similar: this.#matched ? [] : [...this.#similar] };
  }
}

const firstSegment = (scope: string): string => (scope.split(':', 1)[0] as string).toLowerCase();
