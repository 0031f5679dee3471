import { IdempotencyError } from '../../core/errors.js';
import type { TurnBudget } from '../../core/turns.js';
import { invalid, isBlank, readId, readOptions, readText } from '../../core/parse.js';
import { refuseAgent } from '../../kernel/settings/agents.js';
import { commentRows } from '../../kernel/loading/comments.js';
import { derivedId } from '../../kernel/ledger/ids.js';
import type { CallLimit } from '../../kernel/call-limit.js';
import type { Kernel } from '../../kernel/kernel.js';
import { loadLocks } from '../../kernel/loading/locks.js';
import type { Settings } from '../../kernel/settings/settings.js';
import { commentOn, refuseToComment } from '../../lifecycle/comment.js';
import { isOwnRequest } from '../../lifecycle/review.js';
import { moment, noChange, type Transition } from '../../lifecycle/transition.js';
import { decodeComment, type RequestComment } from '../../records/index.js';

/** The author of a comment, and its text. */
export interface CommentBy {
  /** The id of the author, which your code has authenticated: the subject, the requester or a reviewer. */
  readonly by: string;
  /** The comment. Text of at most 4 KiB; recorded in the journal. */
  readonly text: string;
  /** Makes a repeat safe: the same key and text for the same request return the first comment. 1-256 characters. Default: none. */
  readonly idempotencyKey?: string | undefined;
}

/** A comment that was recorded. */
export interface CommentResult {
  /** The comment as it is recorded. */
  readonly comment: RequestComment;
  /** Whether an earlier call with this key recorded it. */
  readonly reused: boolean;
}

interface ParsedComment {
  readonly by: string;
  readonly text: string;
  readonly key: string | undefined;
}

/** @throws InvalidArgumentError */
export function parseComment(settings: Pick<Settings, 'readId'>, given: unknown): ParsedComment {
  const { by, text, idempotencyKey } = readOptions<keyof CommentBy>('options', given, ['by', 'text', 'idempotencyKey']);
  const read = { by: settings.readId('by', by), text: readText('text', text) };
  if (read.text === undefined || isBlank(read.text)) throw invalid('text', 'text that is not blank', text);
  return { ...read, text: read.text, key: idempotencyKey === undefined ? undefined : readId('idempotencyKey', idempotencyKey) };
}

/** Records a comment, or returns the one that an earlier call with the same key recorded. */
export async function comment(
  kernel: Kernel,
  requestId: string,
  { by, text, key }: ParsedComment,
  limit: CallLimit | undefined,
): Promise<CommentResult> {
  const { ledger } = kernel;
  const keyId = key === undefined ? undefined : derivedId(ledger.store.namespace, 'comment', by, key);
  return ledger.run(() => attempt(kernel, requestId, by, { text, keyId }), { durably: true, limit });
}

async function attempt(
  kernel: Kernel,
  requestId: string,
  by: string,
  command: Pick<RequestComment, 'text' | 'keyId'>,
): Promise<Transition<CommentResult>> {
  const { approver, clock, ledger, settings } = kernel;
  // Before the comments: a decision in between makes the commit conflict, and a repeat still finds its comment.
  const request = await ledger.request(requestId);
  const isParty = isOwnRequest(request, by);
  if (!isParty) refuseAgent(settings.isAgent, request, by);
  const comments = ((await commentRows(ledger, [requestId])).get(requestId) ?? []).map(decodeComment);
  const before = command.keyId === undefined ? undefined : comments.find(({ keyId }) => keyId === command.keyId);
  if (before !== undefined) {
    if (before.text !== command.text) throw new IdempotencyError(before.id);
    return noChange({ comment: before, reused: true });
  }
  refuseToComment(request, moment(clock, by));
  const groups = isParty ? [] : await approver.groupsOf(by, request);
  // After the approver's answer, like those of an approval: a lock that is set in between refuses.
  const locks = await loadLocks(kernel);
  const recorded = commentOn(request, command, { comments, groups, locks }, moment(clock, by));
  return { ...recorded, result: { comment: recorded.result, reused: false } };
}

/** The comments on some requests, by request, without those that are unreadable: the engine reports these. */
export async function readableComments(
  { ledger, settings }: Kernel,
  requestIds: readonly string[],
  turns?: TurnBudget,
): Promise<(requestId: string) => readonly RequestComment[]> {
  const rows = await commentRows(ledger, requestIds, turns);
  return (requestId) => settings.decodeAll(rows.get(requestId) ?? [], decodeComment);
}
