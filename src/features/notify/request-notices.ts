import type { JsonObject, JsonValue } from '../../model/json.js';
import type { AccessRequest } from '../../records/index.js';
import { asking, concerned, duration, idLine, listIn, partOf, people, requestOf, textsIn, type NoticeRecords } from './notice-texts.js';
import type { Message, Phrase } from './notice.js';
import { list, name, names, say, words } from './phrase.js';

/** Asks the reviewers of the quorum. */
export function requestAssigned(about: NoticeRecords): Message {
  const { entry, request, time } = about;
  const alternatives = alternativesIn(partOf(entry.data, 'quorum'));
  return {
    kind: 'review_requested',
    people: concerned(request),
    // The reviewers of a later step are asked when it begins.
    groups: people(...alternatives.flatMap(([first = []]) => first.map(({ group }) => group))),
    headline:
      request === undefined
        ? say`${requestOf(about)} waits for review`
        : say`${name(request.subject)} asks for ${names(request.scopes)}, ${lengthOf(request, time)}`,
    details: [
      alreadyEnded(request),
      ...asking(request),
      request?.startsAt === undefined ? undefined : say`starts: ${time(request.startsAt)}`,
      neededLine(alternatives),
      say`decide before: ${time(entry.data['reviewBy'])}`,
      idLine('request', entry.requestId),
    ],
  };
}

/** Asks the groups of a step that begins. */
export function requestStepped(about: NoticeRecords): Message {
  const groups = listIn(about.entry.data, 'groups').map((group) => neededOf(group as JsonObject));
  return askedLater(
    about,
    groups,
    say`${requestOf(about)} has passed a step of its review, and waits for the next`,
    neededLine([[groups]]),
  );
}

/** Asks the groups that may stand in after an escalation. */
export function requestEscalated(about: NoticeRecords): Message {
  const groups = textsIn(about.entry.data, 'groups');
  const standIns = groups.length === 0 ? words('') : say`: ${list(groups.map((group) => name(group)))} may now stand in`;
  return askedLater(
    about,
    groups.map((group) => ({ group })),
    say`${requestOf(about)} still waits for review${standIns}`,
    undefined,
  );
}

/** Reminds the groups whose reviewers can still act. The subject and the requester need no reminder. */
export function requestReminded(about: NoticeRecords): Message {
  const { entry, request } = about;
  const { reminders } = entry.data;
  const times = typeof reminders === 'number' ? say`Reminder ${words(String(reminders))}: ` : say`Reminder: `;
  const approved = (request?.reviews ?? []).filter(({ verdict }) => verdict === 'approve').map(({ reviewer }) => name(reviewer));
  const asked = askedLater(
    about,
    textsIn(entry.data, 'groups').map((group) => ({ group })),
    say`${times}${requestOf(about)} waits for review`,
    approved.length === 0 ? undefined : say`approved by: ${list(approved)}`,
  );
  return { ...asked, people: [] };
}

function askedLater(
  { entry, request, time }: NoticeRecords,
  groups: readonly { readonly group: string | undefined }[],
  headline: Phrase,
  needed: Phrase | undefined,
): Message {
  return {
    kind: 'review_requested',
    people: concerned(request),
    groups: people(...groups.map(({ group }) => group)),
    headline,
    details: [
      alreadyEnded(request),
      ...asking(request),
      request && lengthLine(request, time),
      needed,
      request && say`decide before: ${time(request.reviewBy)}`,
      idLine('request', entry.requestId),
    ],
  };
}

const lengthLine = ({ ttlMs, until }: AccessRequest, time: NoticeRecords['time']): Phrase =>
  until === undefined ? say`for: ${duration(ttlMs)}` : say`until: ${time(until)}`;

/** How long the access would last. */
const lengthOf = ({ ttlMs, until }: AccessRequest, time: NoticeRecords['time']): Phrase =>
  until === undefined ? say`for ${duration(ttlMs)}` : say`until ${time(until)}`;

/** A group with the number of its approvals. */
interface Needed {
  readonly group: string | undefined;
  readonly phrase: Phrase;
}

/** The groups of a recorded quorum: for each alternative, for each step. */
function alternativesIn(quorum: JsonObject): readonly (readonly (readonly Needed[])[])[] {
  const groupsIn = (step: JsonValue) => listIn(objectOf(step), 'groups').map((group) => neededOf(group as JsonObject));
  const stepsIn = (alternative: JsonObject) =>
    (alternative['steps'] === undefined ? [alternative] : listIn(alternative, 'steps')).map(groupsIn);
  return (quorum['anyOf'] === undefined ? [quorum] : listIn(quorum, 'anyOf')).map((alternative) => stepsIn(objectOf(alternative)));
}

const objectOf = (value: JsonValue): JsonObject => partOf({ value }, 'value');

/** The most alternatives in a message. */
const MAX_WAYS = 5;

function neededLine(alternatives: ReturnType<typeof alternativesIn>): Phrase | undefined {
  const ways = alternatives
    .map((steps) => steps.filter(({ length }) => length > 0).map((groups) => list(groups.map(({ phrase }) => phrase))))
    .filter(({ length }) => length > 0)
    .map((steps) => steps.reduce((before, step) => say`${before}, then ${step}`));
  if (ways.length === 0) return undefined;
  const left = ways.length - MAX_WAYS;
  const shown = ways.slice(0, MAX_WAYS).reduce((before, way) => say`${before}, or ${way}`);
  return left > 0 ? say`needs: ${shown}, or one of ${words(String(left))} other alternatives` : say`needs: ${shown}`;
}

function neededOf(group: JsonObject | null): Needed {
  const { name: called, approvals } = group ?? {};
  const known = typeof called === 'string' ? called : undefined;
  return { group: known, phrase: say`${words(typeof approvals === 'number' ? String(approvals) : 'some')} of ${name(known ?? '')}` };
}

/** A message may come late: then no reviewer needs to act. */
export const alreadyEnded = (request: AccessRequest | undefined): Phrase | undefined =>
  request?.end && say`no action needed: the request is already ${words(request.end.status)}`;
