import { isJitError } from '../../core/errors.js';
import type { ClockReading } from '../../core/clock.js';
import type { TurnBudget } from '../../core/turns.js';
import type { MaybePromise, Page } from '../../core/ports.js';
import { decodeRequest, MAX_LOOK, placeOf, type AccessRequest } from '../../records/index.js';
import type { InTime } from '../../kernel/approver/question-deadline.js';
import type { Kernel } from '../../kernel/kernel.js';

/** How many requests the approver is asked about together. */
const ROUND = 200;

/** Selects requests on which a person may act, in the order in which they are due. */
export interface DueSelection<Answer, Item> {
  /** The verb that lists them, for `onError`. */
  readonly during: string;
  readonly subject: string | undefined;
  /** The place after which the page begins. */
  readonly after: string;
  readonly limit: number;
  /** Whether the approver is asked about a request. */
  readonly isCandidate: (request: AccessRequest) => boolean;
  /** Asks about the candidates of a round, within the time that all rounds of the page share. */
  readonly ask: (requests: readonly AccessRequest[]) => MaybePromise<readonly InTime<Answer>[]>;
  /** The item of a request. `undefined`: the answer excludes the request. */
  readonly itemOf: (request: AccessRequest, answer: Answer, reading: ClockReading) => Item | undefined;
}

/** Looks at up to 1,000 open requests, in rounds. The page ends before the first request for which no time was left. */
export async function dueRequests<Answer, Item>(
  { clock, ledger, settings }: Kernel,
  { during, subject, after, limit, isCandidate, ask, itemOf }: DueSelection<Answer, Item>,
  turns: TurnBudget,
): Promise<Page<Item>> {
  const items: Item[] = [];
  let from = after;
  for (let looked = 0; ; looked += ROUND) {
    await turns.spend(ROUND);
    const page = await ledger.find({ kind: 'request', subject, open: true, order: 'due', after: from, limit: ROUND });
    const candidates = page.items.flatMap((row) =>
      settings.decodeAll([row], decodeRequest).flatMap((request) => (isCandidate(request) ? [{ request, row }] : [])),
    );
    const answers = await ask(candidates.map(({ request }) => request));
    const reading = clock.read();
    const reported = new Set<unknown>();
    for (const [i, { request, row }] of candidates.entries()) {
      const answer = answers[i];
      if (answer === undefined) return { items, next: from };
      if (items.length === limit) return { items, next: from };
      from = placeOf(row, 'due');
      // If the approver fails about one request, the list still shows the others.
      if (isJitError(answer)) {
        if (!reported.has(answer)) settings.onError(answer, during);
        reported.add(answer);
        continue;
      }
      const item = itemOf(request, answer, reading);
      if (item !== undefined) items.push(item);
    }
    if (page.next === undefined || items.length === limit || looked + ROUND >= MAX_LOOK) return { items, next: page.next };
    from = page.next;
  }
}
