import type { GRANT_ENDS } from '../../records/index.js';
import { concerned, idLine, partOf, said, textIn, type About } from './facts.js';
import type { Message, Phrase } from './notice.js';
import { name, say } from './phrase.js';

type Ends = typeof GRANT_ENDS;
type Cause = { [Status in keyof Ends]: Ends[Status][number] }[keyof Ends];

const CAUSES: Readonly<Record<Cause, (by: Phrase) => Phrase>> = {
  time: () => say`its time is over`,
  idle: () => say`it was not used for too long`,
  used_up: () => say`its last use was taken`,
  revoked: (by) => say`it was revoked by ${by}`,
  released: (by) => say`it was given back by ${by}`,
  ineligible: () => say`its subject may no longer hold it`,
  origin_ended: (by) => say`what it extends was ended by ${by}`,
  unjustified: (by) => say`${by} has found the break-glass behind it unjustified`,
};

/** A grant is about to end. */
export function grantWarned(about: About): Message {
  const { entry, request, grant, time } = about;
  return {
    kind: 'expiring',
    people: concerned(request, textIn(entry.data, 'subject')),
    groups: [],
    headline: say`${accessOf(about)} ends at ${time(entry.data['expiresAt'])}`,
    details: [grant?.end && say`it has ended by now`, goesOn(about), idLine('grant', entry.grantId)],
  };
}

/** A grant has ended, by time or by somebody. */
export function grantEnded(about: About): Message {
  const { entry, request, time } = about;
  const end = partOf(entry.data, 'end');
  const cause = textIn(end, 'cause') ?? '';
  const by = name(textIn(end, 'by') ?? entry.actor);
  const why = Object.hasOwn(CAUSES, cause) ? say`: ${CAUSES[cause as Cause](by)}` : say``;
  return {
    kind: 'ended',
    people: concerned(request, textIn(entry.data, 'subject')),
    groups: [],
    headline: say`${accessOf(about)} has ended${why}`,
    details: [
      say`since: ${time(end['at'])}`,
      said('reason', textIn(end, 'reason')),
      entry.type === 'grant.expired' ? goesOn(about) : undefined,
      idLine('grant', entry.grantId),
    ],
  };
}

const accessOf = ({ entry }: About): Phrase =>
  say`The access of ${name(textIn(entry.data, 'subject') ?? '')} to ${name(textIn(entry.data, 'scope') ?? '')}`;

/** So that nobody takes the end of a part for the end of all. */
function goesOn({ grant }: About): Phrase | undefined {
  const next = grant?.successors.at(-1);
  return next && say`extended by: ${name(next.grantId)}`;
}
