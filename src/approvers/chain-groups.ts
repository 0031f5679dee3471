import { askBounded, askForAll } from '../core/ask-bounded.js';
import type { Approver, ApproverContext } from '../core/approver-port.js';
import type { AccessRequest } from '../records/index.js';

/** Asks each member once about all requests that it decided, if it has `groupsOfAll`. A failure of one member hides no request of another. */
export function groupsOfAll(
  deciderOf: (request: AccessRequest) => Approver | undefined,
  reviewer: string,
  requests: readonly AccessRequest[],
  context: ApproverContext,
): readonly Promise<readonly string[]>[] {
  const answers = new Map<AccessRequest, Promise<readonly string[]>>();
  const decided = new Map<Approver | undefined, AccessRequest[]>();
  for (const request of requests) {
    try {
      const decider = deciderOf(request);
      decided.set(decider, [...(decided.get(decider) ?? []), request]);
    } catch (error) {
      answers.set(
        request,
        (async () => {
          throw error;
        })(),
      );
    }
  }
  for (const [decider, own] of decided) {
    const of = groupsOfEach(decider, reviewer, Object.freeze(own), context);
    own.forEach((request, i) => answers.set(request, of[i] as Promise<readonly string[]>));
  }
  return requests.map((request) => {
    const answer = answers.get(request) as Promise<readonly string[]>;
    // The engine may read it only after another member has answered, so its rejection must not count as unhandled until then.
    answer.catch(() => undefined);
    return answer;
  });
}

function groupsOfEach(
  decider: Approver | undefined,
  reviewer: string,
  requests: readonly AccessRequest[],
  context: ApproverContext,
): readonly Promise<readonly string[]>[] {
  if (decider?.groupsOf === undefined) return requests.map(() => Promise.resolve([]));
  if (decider.groupsOfAll !== undefined) return askForAll(requests.length, () => decider.groupsOfAll?.(reviewer, requests, context) ?? []);
  return askBounded(requests, (request) => decider.groupsOf?.(reviewer, request, context) ?? []);
}
