import { mayAct } from '../lifecycle/review.js';
import { twinsOf } from '../lifecycle/same-ask.js';
import { moment } from '../lifecycle/transition.js';
import { decodeRequest, type AccessRequest } from '../records/index.js';
import { TurnBudget } from '../core/time.js';
import type { InboxItem } from './answers.js';
import { overlapsOf, recentDenialsFor } from '../kernel/context.js';
import { askTogether } from '../kernel/together.js';
import type { Kernel } from '../kernel/kernel.js';
import { cannotReview } from './reviews.js';
import { withStatus } from './with-status.js';

/** The requests that this person may review now, in the order of their deadlines. */
export async function inbox(kernel: Kernel, reviewer: string): Promise<readonly InboxItem[]> {
  const { clock, ledger, settings } = kernel;
  const turns = new TurnBudget();
  const reviewable: { readonly request: AccessRequest; readonly groups: readonly string[] }[] = [];
  /** By subject: only requests for the same subject can be twins. */
  const open = new Map<string, AccessRequest[]>();
  for await (const rows of ledger.pages({ kind: 'request', open: true, order: 'due' }, undefined, 100, turns)) {
    const requests = settings.decodeAll(rows, decodeRequest);
    for (const request of requests) {
      const ofSubject = open.get(request.subject);
      if (ofSubject === undefined) open.set(request.subject, [request]);
      else ofSubject.push(request);
    }
    const candidates = requests.filter((request) => !cannotReview(request, reviewer));
    const memberships = await askTogether(candidates, (request) => groupsOrNone(kernel, reviewer, request));
    const reading = clock.read();
    candidates.forEach((request, i) => {
      const groups = mayAct(request, reviewer, memberships[i] ?? [], reading);
      if (groups.length > 0) reviewable.push({ request, groups });
    });
  }
  const denials = await recentDenialsFor(
    kernel,
    reviewable.map(({ request }) => request),
    turns,
  );
  const now = moment(clock, reviewer);
  const overlaps = overlapsOf(kernel);
  const items: InboxItem[] = [];
  for (const { request, groups } of reviewable) {
    const ofSubject = open.get(request.subject) ?? [];
    await turns.spend(ofSubject.length);
    const twins = twinsOf(request, ofSubject, overlaps, now).map(({ id }) => id);
    items.push({ request: withStatus(request, 'pending'), groups, denials: denials.of(request, now), twins });
  }
  return items;
}

/** Where the approver fails about one request, the inbox still shows the others. */
async function groupsOrNone({ approver, settings }: Kernel, reviewer: string, request: AccessRequest): Promise<readonly string[]> {
  try {
    return await approver.groupsOf(reviewer, request);
  } catch (error) {
    settings.onError(error, 'inbox');
    return [];
  }
}
