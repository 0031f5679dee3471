import { isDuration } from '../../core/duration.js';
import type { Grant, GRANT_ENDS } from '../../records/index.js';
import { concerned, duration, idLine, partOf, remarkLine, textIn, textsIn, type NoticeRecords } from './notice-texts.js';
import type { Message, Phrase } from './notice.js';
import { name, names, say } from './phrase.js';

type Ends = typeof GRANT_ENDS;
type Cause = { [Status in keyof Ends]: Ends[Status][number] }[keyof Ends];

const CAUSES: Readonly<Record<Cause, (by: Phrase) => Phrase>> = {
  time: () => say`it expired`,
  idle: () => say`it was idle for too long`,
  used_up: () => say`its last use was taken`,
  revoked: (by) => say`it was revoked by ${by}`,
  released: (by) => say`it was released by ${by}`,
  locked: (by) => say`${by} locked its subject or its scope`,
  ineligible: () => say`its subject is no longer eligible`,
  origin_ended: (by) => say`${by} ended the grant that it extends`,
  unjustified: (by) => say`${by} judged the break-glass use unjustified`,
};

/** Says that a grant is about to end. */
export function grantWarned(about: NoticeRecords): Message {
  const { entry, request, time } = about;
  const noticed = grantsOf(about);
  const { beforeMs } = entry.data;
  return {
    kind: 'expiring',
    people: concerned(request, textIn(entry.data, 'subject')),
    groups: [],
    // Within, not in: a late sweep records the warning later.
    headline: say`${accessOf(about)} ends ${isDuration(beforeMs) ? say`within ${duration(beforeMs)}, ` : say``}at ${time(entry.data['expiresAt'])}`,
    details: [
      noticed.length > 0 && noticed.every(({ end }) => end !== undefined) ? say`no action needed: the grant has ended` : undefined,
      extendedBy(about),
      idLine('grant', entry.grantId),
    ],
  };
}

/** Says how a grant has ended. */
export function grantEnded(about: NoticeRecords): Message {
  const { entry, request, time } = about;
  const end = partOf(entry.data, 'end');
  const cause = textIn(end, 'cause') ?? '';
  const by = name(textIn(end, 'by') ?? entry.actor);
  const next = entry.type === 'grant.expired' ? extendedBy(about) : undefined;
  const why = Object.hasOwn(CAUSES, cause) ? say`: ${CAUSES[cause as Cause](by)}` : say``;
  return {
    kind: 'ended',
    people: concerned(request, textIn(entry.data, 'subject')),
    groups: [],
    // With an extension the subject keeps its access.
    headline:
      next === undefined ? say`${accessOf(about)} has ended${why}` : say`${accessOf(about)} was extended: an earlier grant has expired`,
    details: [say`since: ${time(end['at'])}`, remarkLine('reason', textIn(end, 'reason')), next, idLine('grant', entry.grantId)],
  };
}

/** The scopes of the other grants of the notice. */
const alsoIn = ({ entry: { data } }: NoticeRecords): readonly string[] => textsIn(data, 'alsoScopes');

/** The grants of the notice, in their present state. */
const grantsOf = (about: NoticeRecords): readonly Grant[] =>
  about.grants.filter(({ id, scope }) => id === about.entry.grantId || alsoIn(about).includes(scope));

const accessOf = (about: NoticeRecords): Phrase => {
  const { data } = about.entry;
  return say`${name(textIn(data, 'subject') ?? '')}'s access to ${names([textIn(data, 'scope') ?? '', ...alsoIn(about)])}`;
};

/** The newest grants that extend those of the notice, if each is extended: with them the subject keeps its access. */
function extendedBy(about: NoticeRecords): Phrase | undefined {
  const noticed = grantsOf(about);
  const next = noticed.flatMap(({ successors }) => successors.at(-1)?.grantId ?? []);
  return next.length > 0 && next.length === noticed.length ? say`extended by: ${names(next)}` : undefined;
}
