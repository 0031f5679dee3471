import { invalid, readId, readOptions } from '../../core/parse.js';
import { isWithheld } from '../../followers/refused-entry.js';
import type { AuditSink, MaybePromise, SinkContext } from '../../core/ports.js';
import type { AccessRequest, AuditEntry } from '../../records/index.js';
import { glassBroken } from './emergency.js';
import { timeBy } from './facts.js';
import { makerOf } from './makers.js';
import type { Message, Notice, Phrase } from './notice.js';
import { name as named, say } from './phrase.js';
import { PageProgress } from '../../followers/page-progress.js';

export type { Notice, NoticeKind } from './notice.js';

export interface NotifyOptions {
  /** Stands for the destination, the same after a restart: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /**
   * Delivers one notice. Called in order, one at a time; when it throws or rejects, that notice comes again later, with
   * the same id, and those behind it wait.
   *
   * Where the destination refuses this notice for what is in it, reject with `new EntryRefusedError(notice.id, why)`: after
   * five of these the notice comes once more without any text that a caller chose, and if that is taken, the next one.
   */
  readonly send: (notice: Notice) => MaybePromise<void>;
  /** See `AuditSink.follow`. Default: `shared`. */
  readonly follow?: 'shared' | 'local' | undefined;
  /** How an instant, in epoch milliseconds, is shown. What it gives is not escaped; it must not throw. Default: ISO 8601 in UTC. */
  readonly formatTime?: ((at: number) => string) | undefined;
}

/**
 * A sink that turns entries into messages for people: asked, decided, about to end, ended, glass broken, review owed,
 * and, for operators, effect stuck. Other entries give none.
 *
 * Guarantees:
 * - Each is sent at least once, in the journal's order, through any crash; a repeat has the same `id`.
 * - What comes from outside (ids, scopes, justification, ticket, reasons) is on one line, cut where it is long, and in
 *   `markdown` escaped. Metadata, links and tokens are never in the text.
 * - What has been purged meanwhile, or can't be read, is told of with what the entry says.
 *
 * - One that its destination refuses five times is sent without any text that a caller chose, if `send` says so.
 *
 * Gotcha: a shared one begins at the journal's start. Added to a service that has run for long, it tells of all that.
 * Gotcha: `notice.request` is the whole record, its metadata included: send the text, not the notice.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * new JitEngine({ approver, audit: notify({ name: 'chat', send: (notice) => chat.post(notice.groups, notice.markdown) }) });
 */
export function notify(options: NotifyOptions): AuditSink {
  const given = readOptions('options', options, ['name', 'send', 'follow', 'formatTime']);
  const { follow = 'shared', formatTime = isoTime, send } = given;
  const name = readId('name', given.name);
  if (!isFunction<NotifyOptions['send']>(send)) throw invalid('send', 'a function', send);
  if (follow !== 'shared' && follow !== 'local') throw invalid('follow', "'shared' or 'local'", follow);
  if (!isFunction<(at: number) => string>(formatTime)) throw invalid('formatTime', 'a function', formatTime);
  const progress = new PageProgress();
  return Object.freeze({
    name,
    follow,
    write: (entries: readonly AuditEntry[], context: SinkContext): Promise<void> =>
      progress.through(entries, async (entry) => {
        const notice = await noticeOf(entry, context, formatTime);
        if (notice !== undefined) await send(notice);
      }),
  });
}

const isFunction = <F>(value: unknown): value is F => typeof value === 'function';
const isoTime = (at: number): string => new Date(at).toISOString();

async function noticeOf(entry: AuditEntry, context: SinkContext, formatTime: (at: number) => string): Promise<Notice | undefined> {
  const make = makerOf(entry.type);
  if (make === undefined) return undefined;
  const { id, at, namespace, requestId, grantId } = entry;
  const found = requestId === undefined ? undefined : await context.request(requestId);
  const grants = found?.grants ?? [];
  const grant = grants.find((one) => one.id === grantId);
  const request = found?.request;
  // A withheld entry doesn't say that this was break-glass. The record does.
  const isBreakGlass = isWithheld(entry) && entry.type === 'request.approved' && request?.end?.cause === 'break_glass';
  const { kind, people, groups, ...message } = (isBreakGlass ? glassBroken : make)({
    entry,
    request,
    grants,
    grant,
    time: timeBy(formatTime),
  });
  if (isWithheld(entry)) {
    const text = `${entry.type} (entry ${entry.seq}): the destination refused the text of this notice, so it is left out`;
    // Groups are the approver's names. Ids of people may be what the destination refuses.
    const nothing = { people: [], request: undefined, grant: undefined };
    return Object.freeze({ id, kind, at, namespace, text, markdown: text, groups: groupsOf(kind, request) ?? groups, ...nothing, entry });
  }
  const { text, markdown } = lay(message, namespace);
  return Object.freeze({ id, kind, at, namespace, text, markdown, people, groups, request, grant, entry });
}

/** The groups of a notice by the record alone: those that owe the review and those skipped, or those that must review. */
function groupsOf(kind: Notice['kind'], request: AccessRequest | undefined): readonly string[] | undefined {
  if (request?.afterReview !== undefined) return [...new Set([...request.afterReview.reviewers, ...request.afterReview.skippedGroups])];
  return kind === 'review_requested' ? request?.quorum?.groups.map(({ name: group }) => group) : undefined;
}

/** The headline, and below it a line for each detail. */
function lay({ headline, details }: Pick<Message, 'headline' | 'details'>, namespace: string): Phrase {
  const lines = [...details, namespace === 'default' ? undefined : say`namespace: ${named(namespace)}`].filter(
    (line) => line !== undefined,
  );
  return {
    text: [headline.text, ...lines.map((line) => line.text)].join('\n'),
    markdown: [`**${headline.markdown}**`, ...(lines.length > 0 ? [''] : []), ...lines.map((line) => `- ${line.markdown}`)].join('\n'),
  };
}
