import { invalid, readId, readOptions } from '../../core/parse.js';
import { isWithheld } from '../../followers/refused-entry.js';
import type { AuditSink, MaybePromise, SinkContext } from '../../core/ports.js';
import { askedGroups, type AccessRequest, type AuditEntry } from '../../records/index.js';
import { breakGlassUsed } from './emergency.js';
import { textIn, timeBy } from './notice-texts.js';
import { makerOf } from './makers.js';
import type { Message, Notice, Phrase } from './notice.js';
import { name as named, say } from './phrase.js';
import { PageProgress } from '../../followers/page-progress.js';

export type { Notice, NoticeKind } from './notice.js';

export interface NotifyOptions {
  /** Identifies the destination, also after a restart: sinks of one name share one cursor across the fleet. */
  readonly name: string;
  /**
   * Delivers one notice. Called in order, one at a time. If it throws or rejects, the same notice is delivered again later,
   * with the same id, and the notices after it wait.
   *
   * If the destination refuses the notice because of its content, reject with `new EntryRefusedError(notice.id, why)`. After
   * five such rejections the notice is sent without any text that a caller chose. Once the destination accepts that, the
   * next notice follows.
   */
  readonly send: (notice: Notice) => MaybePromise<void>;
  /** See `AuditSink.follow`. Default: `shared`. */
  readonly follow?: 'shared' | 'local' | undefined;
  /**
   * Formats an instant, in epoch milliseconds. The result is not escaped, and the function must not throw. Default: in UTC, to the
   * minute.
   */
  readonly formatTime?: ((at: number) => string) | undefined;
}

/**
 * A sink that turns entries into messages:
 * - For the people concerned: a review is requested, a request is commented on or decided, a grant is expiring or has ended, break-glass was
 *   used or its review is overdue.
 * - For operators: provisioning is stuck.
 *
 * Other entries have no notice.
 *
 * Guarantees:
 * - Each notice is sent at least once, in the journal's order, through any crash. A repeat has the same `id`.
 * - Each text that a caller chose (ids, scopes, justification, ticket, comments, reasons) is on one line, shortened, and escaped in
 *   `markdown`. Metadata, links and tokens are never in the text.
 * - If the records were purged or cannot be read, the notice contains only the data of the entry.
 * - If `send` rejects a notice five times with an `EntryRefusedError`, the notice is sent without any text that a caller
 *   chose.
 *
 * Gotcha: a shared sink begins at the journal's start. If you add it to a running service, it sends a notice of each old
 * entry.
 * Gotcha: `notice.request` is the whole record, with its metadata: send the text, not the notice.
 *
 * @throws InvalidArgumentError `ERR_JIT_INVALID_ARGUMENT`
 * @example
 * new JitEngine({ store, approver, audit: notify({ name: 'chat', send: (notice) => chat.post(notice.groups, notice.markdown) }) });
 */
export function notify(options: NotifyOptions): AuditSink {
  const given = readOptions('options', options, ['name', 'send', 'follow', 'formatTime']);
  const { follow = 'shared', formatTime = timeInWords, send } = given;
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
/** To the minute, rounded down: `2026-11-30 17:35 UTC`. */
const timeInWords = (at: number): string => `${new Date(at).toISOString().slice(0, -8).replace('T', ' ')} UTC`;

async function noticeOf(entry: AuditEntry, context: SinkContext, formatTime: (at: number) => string): Promise<Notice | undefined> {
  const make = makerOf(entry.type);
  // Of several grants about which one change says the same, the first entry has the notice.
  if (make === undefined || textIn(entry.data, 'noticeWith') !== undefined) return undefined;
  const { id, at, namespace, requestId, grantId } = entry;
  const found = requestId === undefined ? undefined : await context.request(requestId);
  const grants = found?.grants ?? [];
  const grant = grants.find((candidate) => candidate.id === grantId);
  const request = found?.request;
  // A withheld entry has no cause. The record says whether this was break-glass.
  const isBreakGlass = isWithheld(entry) && entry.type === 'request.approved' && request?.end?.cause === 'break_glass';
  const { kind, people, groups, ...message } = (isBreakGlass ? breakGlassUsed : make)({
    entry,
    request,
    grants,
    grant,
    time: timeBy(formatTime),
  });
  if (isWithheld(entry)) {
    const text = `${entry.type} (entry ${entry.seq}): the destination refused the text of this notice, so it is omitted`;
    // The approver chose the names of groups. The destination may have refused an id of a person.
    const nothing = { people: [], request: undefined, grant: undefined };
    return Object.freeze({ id, kind, at, namespace, text, markdown: text, groups: groupsOf(kind, request) ?? groups, ...nothing, entry });
  }
  const { text, markdown } = lay(message, namespace);
  return Object.freeze({ id, kind, at, namespace, text, markdown, people, groups, request, grant, entry });
}

/**
 * The groups of a notice according to the record: after break-glass, the groups that must review it and those skipped;
 * otherwise those of the present steps.
 */
function groupsOf(kind: Notice['kind'], request: AccessRequest | undefined): readonly string[] | undefined {
  if (request?.afterReview !== undefined) return [...new Set([...request.afterReview.reviewers, ...request.afterReview.skippedGroups])];
  if (kind !== 'review_requested' && kind !== 'commented') return undefined;
  return request && askedGroups(request, request.escalatedAt ?? 0);
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
