import { explain, type ExplanationReason } from 'jit-access/explain';
import {
  isJitError,
  type AccessRequest,
  type AccessStatus,
  type BreakGlassReview,
  type AuditEntry,
  type Decision,
  type Grant,
  type InboxItem,
  type BreakGlassReviewItem,
  type Review,
} from 'jit-access';
import { readJournal } from 'jit-access/journal';
import type { Done, World } from './world.js';

/** What the viewer asks the probe. */
export interface Question {
  readonly subject: string;
  readonly scope: string;
}

export type ProbeAnswer =
  | { readonly decision: Decision; readonly onRecord: ExplanationReason; readonly problem?: undefined }
  | { readonly problem: string; readonly decision?: undefined };

/** A request with the windows that it gave. */
export interface Asked {
  readonly request: AccessRequest;
  readonly grants: readonly Grant[];
}

/** One scope of a request, as the time line draws it. */
export interface Lane extends Asked {
  readonly scope: string;
}

/** The grants of one request begin together, so each scope has a lane of its own. */
export const lanesOf = (asked: readonly Asked[]): readonly Lane[] =>
  asked.flatMap(({ request, grants }) =>
    request.scopes.map((scope) => ({ request, scope, grants: grants.filter((grant) => grant.scope === scope) })),
  );

export interface ReviewerScene {
  readonly id: string;
  readonly inbox: readonly InboxItem[];
  readonly pendingReviews: readonly BreakGlassReviewItem[];
  /** The last word that they have given. */
  readonly said:
    | {
        readonly verdict: Review['verdict'] | BreakGlassReview['verdict'];
        readonly at: number;
        readonly reason: string | undefined;
        /** The terms of an approval that narrows the request. */
        readonly scopes?: readonly string[] | undefined;
        readonly ttlMs?: number | undefined;
      }
    | undefined;
}

/** All that the page shows, as the engine answers it at one instant. */
export interface Scene {
  readonly world: World;
  /** How much has been played, in milliseconds. */
  readonly at: number;
  /** The clock's reading, and the highest that it has had. Epoch milliseconds. */
  readonly now: number;
  readonly highest: number;
  readonly done: readonly Done[];
  readonly status: AccessStatus;
  readonly reviewers: readonly ReviewerScene[];
  readonly asked: readonly Asked[];
  readonly entries: readonly AuditEntry[];
  readonly probe: ProbeAnswer;
}

/** Asks the engine for everything that is to be seen. It changes nothing. */
export async function look(world: World, question: Question): Promise<Scene> {
  const { engine, scenario } = world;
  const entries: AuditEntry[] = [];
  for await (const entry of readJournal(world.store)) entries.push(entry);
  const asked: Asked[] = [];
  for (const id of new Set(entries.map(({ requestId }) => requestId))) {
    const found = id === undefined ? undefined : await engine.getRequest(id);
    if (found !== undefined) asked.push(found);
  }
  return {
    world,
    at: world.at,
    now: world.clock.now(),
    highest: world.highest,
    done: [...world.done],
    status: await engine.status(scenario.subject),
    reviewers: await Promise.all(
      scenario.reviewers.map(async (id) => ({
        id,
        inbox: (await engine.inbox(id)).items,
        pendingReviews: (await engine.inbox(id, { of: 'breakGlass' })).items,
        said: asked.flatMap(({ request }) => wordsOf(request, id)).at(-1),
      })),
    ),
    asked,
    entries,
    probe: await ask(world, question),
  };
}

function wordsOf({ reviews, afterReview }: AccessRequest, reviewer: string) {
  const acknowledgement = afterReview?.breakGlassReview;
  return [...reviews.filter((review) => review.reviewer === reviewer), ...(acknowledgement?.by === reviewer ? [acknowledgement] : [])];
}

async function ask({ engine }: World, { subject, scope }: Question): Promise<ProbeAnswer> {
  try {
    const decision = await engine.check(subject, scope);
    const { reason } = await explain(engine, subject, scope);
    return { decision, onRecord: reason };
  } catch (error) {
    if (!isJitError(error)) throw error;
    return { problem: error.message };
  }
}
