import { useState } from 'preact/hooks';
import type { AccessRequest, Granted } from '../../../index.js';
import { deviceNow, now } from '../frame/clock.js';
import { useConsole } from '../frame/console.js';
import type { Decision, HeldDecision } from './decision-queue.js';
import { isLess, termsOf } from './decision-terms.js';
import { useDecisions } from './decisions.js';
import { isRepeatedPress, moved, QUIET_MS } from './quiet.js';

/** What the person adds to a decision. */
export interface Additions extends Partial<Pick<Decision, 'reason' | 'comment'>> {
  /** The terms of an approval, if they are less than what was requested. */
  readonly narrowed?: Granted | undefined;
}

/** One request, and what the viewer does about it. */
export interface DecisionControl {
  /** The viewer's decision that is not recorded yet. */
  readonly held: HeldDecision | undefined;
  /** The viewer's decision about this version of the request, which is recorded. */
  readonly recorded: Decision | undefined;
  /** Whether the viewer can decide now: not on a page that only shows, and not while a decision is on its way. */
  readonly isOpen: boolean;
  /** How long ago the request was drawn, or its list moved. Milliseconds. */
  readonly ageMs: () => number;
  /** Decides, with an undo. A second press at the place of the first is ignored if the request was drawn or moved in between. */
  readonly decide: (verdict: Decision['verdict'], additions?: Additions) => void;
  readonly undo: () => void;
  /** Forgets a decision that was refused. */
  readonly dismiss: () => void;
}

/** A decision of now about a request as it is shown. @param terms what an approval allows */
export function decisionOf(request: AccessRequest, verdict: Decision['verdict'], terms: Granted): Decision {
  const { id: requestId, version, subject } = request;
  const texts = { reason: undefined, comment: undefined };
  return { requestId, version, verdict, subject, ...terms, isNarrowed: isLess(terms, request), decidedAt: now(), ...texts };
}

/**
 * The decision about one request, for a row or a page that shows it. Use it under a `key` with the request's id, so that it never passes
 * from one request to the next.
 *
 * @param narrowedTo what the approvals so far leave
 */
export function useDecision(request: AccessRequest, narrowedTo?: Granted): DecisionControl {
  const { readOnly } = useConsole();
  const { queue, recorded } = useDecisions();
  const [drawnAt] = useState(deviceNow);
  const held = queue.held.value.find(({ requestId }) => requestId === request.id);
  const given = recorded.value.get(request.id);
  const isBusy = held?.state === 'waiting' || held?.state === 'sending';
  const ageMs = () => deviceNow() - Math.max(drawnAt, moved.at);
  return {
    held,
    recorded: given?.version === request.version ? given : undefined,
    isOpen: !readOnly && !isBusy,
    ageMs,
    decide(verdict, { narrowed, reason, comment } = {}) {
      if (readOnly || (!(ageMs() >= QUIET_MS) && isRepeatedPress())) return;
      const texts = { reason: reason?.trim() || undefined, comment: comment?.trim() || undefined };
      queue.decide({ ...decisionOf(request, verdict, narrowed ?? termsOf(request, narrowedTo)), ...texts });
    },
    undo: () => void queue.undo(request.id),
    dismiss: () => queue.dismiss(request.id),
  };
}
