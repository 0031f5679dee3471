import type { AccessClient } from '../client.js';
import type { AccessResult, Clock, EndedRecords, GrantWithStatus, RequestOutcome, RequestWithStatus } from '../index.js';
import { formatDuration, sleepUntil } from '../internal/cli.js';
import { count, iso, lineOf, type Outcome } from './lines.js';
import { textsOf, ttlOf, type Given } from './options.js';

/** How long the handler waits for a decision in one call, in seconds: the longest that it takes. */
const WAIT_SECONDS = 30;
/** A handler that cannot wait answers at once. */
const PAUSE_MS = 1_000;

export async function ask(client: AccessClient, given: Given): Promise<Outcome> {
  const { reason, ...texts } = textsOf(given, 'subject', 'ticket', 'reason');
  const justification = reason === undefined ? {} : { justification: reason };
  const result = await client.requestAccess({ scope: String(given['scope']), ...ttlOf(given), ...texts, ...justification });
  return decided(result, result.outcome === 'granted' || result.outcome === 'ended' ? result.grants : []);
}

export async function wait(client: AccessClient, given: Given, clock: Clock): Promise<Outcome> {
  for (;;) {
    const found = await client.getRequest(String(given['requestId']), { wait: WAIT_SECONDS });
    if (found.outcome !== 'pending') return decided(found, found.grants);
    await sleepUntil(clock, clock.now() + PAUSE_MS, new AbortController().signal);
  }
}

/** A pending request is no denial, so it does not fail the command. */
function decided(
  found: { readonly request: RequestWithStatus; readonly outcome: RequestOutcome },
  grants: readonly GrantWithStatus[],
): Outcome {
  const { request, outcome } = found;
  const { id, subject, scopes, end } = request;
  const what = `${subject}  ${scopes.join(', ')}  request ${id}`;
  if (outcome === 'granted') return { answer: found, lines: [`GRANTED: ${what}`, ...grants.map(lineOf)], ok: true };
  if (outcome === 'pending') return { answer: found, lines: [`PENDING: ${what}`, `Wait for it: jit-access wait ${id}`], ok: true };
  const why = end?.reason === undefined ? '' : `: ${end.reason}`;
  return { answer: found, lines: [`${outcome.toUpperCase()}: ${what}${why}`], ok: false };
}

export async function status(client: AccessClient): Promise<Outcome> {
  const answer = await client.status();
  const { subject, held, scheduled, standing, locks } = answer;
  const lines = [
    ...locks.map(
      ({ id, until }) => `LOCKED: ${subject}, ${until === undefined ? 'until a person lifts it' : `until ${iso(until)}`} (lock ${id})`,
    ),
    ...[...held, ...scheduled].map(lineOf),
    ...standing.map((scope) => `${subject}  ${scope}  standing access`),
  ];
  return { answer, lines: lines.length === 0 ? [`${subject} holds no access.`] : lines, ok: true };
}

export async function inbox(client: AccessClient): Promise<Outcome> {
  const answer = [];
  for await (const item of client.inbox()) answer.push(item);
  const lines = answer.flatMap(({ request, missingInWords }) => {
    const { id, subject, scopes, ttlMs, justification, ticket } = request;
    const window = ttlMs === undefined ? '' : `  for ${formatDuration(ttlMs)}`;
    const why = [ticket, justification].filter((text) => text !== undefined).join(': ');
    return [`${subject}  ${scopes.join(', ')}${window}  needs ${missingInWords}  request ${id}`, ...(why === '' ? [] : [`  ${why}`])];
  });
  return { answer, lines: lines.length === 0 ? ['No request waits for your review.'] : lines, ok: true };
}

export async function approve(client: AccessClient, given: Given): Promise<Outcome> {
  const approval = { ...ttlOf(given), ...textsOf(given, 'reason', 'comment') };
  return reviewed(await client.approve(String(given['requestId']), approval), 'APPROVED');
}

export async function deny(client: AccessClient, given: Given): Promise<Outcome> {
  return reviewed(await client.deny(String(given['requestId']), textsOf(given, 'reason', 'comment')), 'DENIED');
}

/** A review succeeds with every outcome: a quorum may need more, and a denial is what the reviewer asked for. */
function reviewed(result: AccessResult, word: string): Outcome {
  const { id, subject, scopes } = result.request;
  const what = `${subject}  ${scopes.join(', ')}  request ${id}`;
  if (result.outcome === 'pending') return { answer: result, lines: [`REVIEWED: ${what}`, 'It needs more reviews.'], ok: true };
  const grants = result.outcome === 'granted' ? result.grants : [];
  return { answer: result, lines: [`${word}: ${what}`, ...grants.map(lineOf)], ok: true };
}

/** A grant has the id of its request, a dot and a number. */
export async function release(client: AccessClient, given: Given): Promise<Outcome> {
  const id = String(given['id']);
  const why = textsOf(given, 'reason');
  const ended: EndedRecords = id.includes('.')
    ? { grants: [await client.releaseGrant(id, why)], requests: [] }
    : await client.releaseRequest(id, why);
  return { answer: ended, lines: [`Released ${count(ended.grants, 'grant')}.`, ...ended.grants.map(lineOf)], ok: true };
}

export async function unlock(client: AccessClient, given: Given): Promise<Outcome> {
  const lock = await client.unlock(String(given['lockId']), textsOf(given, 'reason'));
  return { answer: lock, lines: [`UNLOCKED: ${lock.subject ?? lock.scope ?? ''}. It restores no access.`], ok: true };
}
