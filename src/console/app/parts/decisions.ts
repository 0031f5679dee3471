import { signal, type ReadonlySignal } from '@preact/signals';
import type { AccessRequest } from '../../../index.js';
import { after } from '../frame/clock.js';
import { useConsole, type Console } from '../frame/console.js';
import { t } from '../frame/messages.js';
import { DecisionQueue, readKept, type Decision, type HeldDecision } from './decision-queue.js';

/** The decisions of a page's caller. */
export interface Decisions {
  readonly queue: DecisionQueue;
  /** What the API has recorded since the page was loaded, by request. */
  readonly recorded: ReadonlySignal<ReadonlyMap<string, Decision>>;
}

const DRAFT = 'decisions';

/** Under which name the texts of a decision are kept while they are typed. */
export const draftOf = (requestId: string): string => `decision:${requestId}`;

/** How far the clocks of two processes of the service may differ. Milliseconds. */
const APART_MS = 120_000;

const known = new WeakMap<Console, Decisions>();

/** The decisions of the viewer: the same on every view, so that leaving a view loses none. */
export function useDecisions(): Decisions {
  return decisionsOf(useConsole());
}

function decisionsOf(console: Console): Decisions {
  const before = known.get(console);
  if (before !== undefined) return before;
  const { announce, caller, client, drafts } = console;
  const recorded = signal<ReadonlyMap<string, Decision>>(new Map());
  const queue = new DecisionQueue(
    {
      send: (decision) => send(console, decision),
      isRecorded: async (decision) => isIn((await client.getRequest(decision.requestId)).request, caller, decision),
      keep: (held) => drafts.write(DRAFT, held.length > 0 ? held : undefined),
      isVisible: () => !document.hidden,
      after,
      onRecorded: (decision) => {
        // Until now an undo or a refusal restored what was typed.
        drafts.write(draftOf(decision.requestId), undefined);
        recorded.value = new Map([...recorded.peek(), [decision.requestId, decision]]);
        announce(t(`decision.recorded.${decision.verdict}`));
      },
      onRefused: ({ state, lasting }) => announce(lasting ?? t(state === 'unanswered' ? 'decision.unanswered' : 'decision.refused')),
    },
    readKept(drafts.read(DRAFT)),
  );
  document.addEventListener('visibilitychange', () => {
    if (document.hidden) queue.flush();
  });
  // The next page may sign this person out, and its answer comes before `pagehide`. Some phones have only that.
  for (const left of ['beforeunload', 'pagehide']) window.addEventListener(left, () => queue.flush());
  // Each of these may be the first moment at which the service answers again.
  window.addEventListener('online', () => void queue.check());
  console.onChange(({ type }) => {
    if (type === 'ready' || type === 'reset') void queue.check();
  });
  console.onEnd(() => queue.close());
  void queue.check();
  const decisions = { queue, recorded };
  known.set(console, decisions);
  return decisions;
}

function send({ client }: Console, { requestId, verdict, scopes, ttlMs, isNarrowed, reason, comment }: Decision): Promise<unknown> {
  const texts = { reason, comment };
  if (verdict === 'deny') return client.deny(requestId, texts);
  if (verdict === 'approve') return client.approve(requestId, { ...texts, ...(isNarrowed && { ttl: ttlMs, scopes }) });
  return client.reviewBreakGlass(requestId, { verdict, reason });
}

/** Whether a request has a decision of this caller. An earlier approval that has become stale is another one. */
function isIn({ reviews, afterReview }: AccessRequest, caller: string, { verdict, decidedAt }: Decision): boolean {
  const given = [
    ...reviews.map(({ reviewer: by, ...review }) => ({ by, ...review })),
    ...(afterReview?.breakGlassReview ? [afterReview.breakGlassReview] : []),
  ];
  return given.some((review) => review.by === caller && review.verdict === verdict && review.at > decidedAt - APART_MS);
}

/** Whether a decision waits for the person: it was refused, or no answer arrived. */
export const isLost = ({ state }: HeldDecision): boolean => state === 'refused' || state === 'unanswered';
