import type { Page } from '../../core/ports.js';
import type { Risk } from '../../core/requestable.js';
import type { InboxItem } from '../../engine/answers.js';
import type { GrantWithStatus } from '../../engine/with-status.js';
import { askTogether } from '../../kernel/approver/approver-questions.js';
import { placeOf } from '../../records/index.js';
import type { Changing } from './changes-at.js';
import type { Call } from './operation.js';
import { HttpError } from './problem.js';

/** What a subject of an inbox holds. */
export interface Holdings {
  /** The subject of requests of the page. */
  readonly subject: string;
  /** Its grants that are active or scheduled, the first to expire first: at most 20. */
  readonly grants: readonly GrantWithStatus[];
  /** Whether it holds more of them. */
  readonly more: boolean;
}

/** A page of an inbox, with what was asked for beside it. */
export interface InboxPage extends Page<InboxItem>, Changing {
  /** What the subjects hold, if it was asked for: see {@link Holdings}. A subject whose grants the caller may not list is missing. */
  readonly holdings: readonly Holdings[] | undefined;
  /**
   * The highest risk of each request, as the policy says, if `holdings` was asked for. A request about which the approver fails is
   * missing; one without `risk` has none.
   */
  readonly risks: readonly { readonly requestId: string; readonly risk: Risk | undefined }[] | undefined;
}

/** The most subjects of a page, and the most grants of each. */
const MAX_SUBJECTS = 100;
const MAX_GRANTS = 20;

/**
 * What the subjects of some requests hold: of each whose grants the caller may list, by `GET /grants` too. A subject about which `may` or
 * the store fails is missing: a reviewer must still see the requests.
 */
export async function holdingsOf({ engine, kernel, options, may }: Call, items: readonly InboxItem[]): Promise<readonly Holdings[]> {
  const subjects = [...new Set(items.map(({ request }) => request.subject))].slice(0, MAX_SUBJECTS);
  // Grants whose expiry no sweep has recorded come first in this order.
  const after = placeOf({ createdAt: 0, sortAt: kernel.clock.read().forEnds + 1, id: '' }, 'due');
  const query = { status: 'open', order: 'due', after, limit: MAX_GRANTS } as const;
  const holdings = await askTogether(subjects, async (subject) => {
    try {
      if (!(await may('listGrants', { subject }))) return [];
      const { items: grants, next } = await engine.listGrants({ ...query, subject });
      return [{ subject, grants, more: next !== undefined }];
    } catch (error) {
      if (!(error instanceof HttpError)) options.onError(error, 'inbox');
      return [];
    }
  });
  return holdings.flat();
}
