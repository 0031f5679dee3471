import type { AuditEntry } from '../../../../index.js';
import { messageOf } from '../../frame/messages.js';

/** What the text of an entry names. A name that is missing in the entry is missing here. */
export interface Said {
  /** The key of the text. */
  readonly key: string;
  readonly actor: string;
  readonly subject: string | undefined;
  readonly scopes: readonly string[];
  /** Of a lock: what it is on. */
  readonly target: string | undefined;
  readonly from: number | undefined;
  readonly until: number | undefined;
  readonly count: number | undefined;
  /** What a person wrote: a reason, a comment. */
  readonly words: string | undefined;
}

type Data = Readonly<Record<string, unknown>>;

const isObject = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value);
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined);
const number = (value: unknown): number | undefined => (typeof value === 'number' && Number.isFinite(value) ? value : undefined);
const texts = (value: unknown): readonly string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : []);

/**
 * What an entry says. An entry of a later version, and a field of another type, say less; they never fail: the journal is evidence, and a
 * page that does not show an entry hides it.
 */
export function saidBy({ type, actor, data: given }: Pick<AuditEntry, 'type' | 'actor' | 'data'>): Said {
  const data: Data = isObject(given) ? given : {};
  const end = isObject(data['end']) ? data['end'] : {};
  const review = isObject(data['review']) ? data['review'] : {};
  const afterReview =
    isObject(data['afterReview']) && isObject(data['afterReview']['breakGlassReview']) ? data['afterReview']['breakGlassReview'] : {};
  const subject = text(data['subject']);
  const locks = [data['locks'], data['ended']].flatMap((list) => (Array.isArray(list) ? (list as readonly unknown[]) : []));
  const lock = locks.find((one): one is Data => isObject(one) && one['id'] === data['lockId']);
  const isForOther = type === 'request.created' && subject !== undefined && subject !== actor;
  const verdict = type === 'request.reviewed' ? text(review['verdict']) : undefined;
  return {
    key: `journal.says.${type}${isForOther ? 'For' : ''}${verdict === undefined ? '' : `.${verdict}`}`,
    actor,
    subject,
    scopes: [...texts([data['scope']]), ...texts(data['scopes']), ...texts(data['alsoScopes'])],
    target: text(lock?.['subject']) ?? text(lock?.['scope']),
    from: number(data['startsAt']),
    until: number(data['expiresAt']),
    count: number(data['count']),
    words:
      text(data['justification']) ??
      text(data['text']) ??
      text(review['reason']) ??
      text(end['reason']) ??
      text(afterReview['reason']) ??
      text(data['reason']) ??
      text(data['problem']),
  };
}

/** The text for an entry. `undefined`: this version does not know its type. */
export function textFor({ key, count }: Said): string | undefined {
  const found = messageOf(key, { count: count ?? 1 });
  return found === key ? undefined : found;
}
