import type { JsonObject } from '../../core/json.js';
import type { AccessRequest } from '../../records/index.js';
import { asking, concerned, duration, idLine, listIn, partOf, people, requestOf, textIn, type About } from './about.js';
import type { Message, Phrase } from './notice.js';
import { list, name, names, say, words } from './phrase.js';

/** Asks the reviewers of the quorum. */
export function requestAssigned(about: About): Message {
  const { entry, request, time } = about;
  const needed = listIn(partOf(entry.data, 'quorum'), 'groups').map((group) => neededOf(group as JsonObject));
  return {
    kind: 'review_requested',
    people: concerned(request),
    groups: people(...needed.map(({ group }) => group)),
    headline:
      request === undefined
        ? say`${requestOf(about)} waits for review`
        : say`${name(request.subject)} asks for ${names(request.scopes)}, ${lengthOf(request, time)}`,
    details: [
      alreadyEnded(request),
      ...asking(request),
      request?.startsAt === undefined ? undefined : say`starts: ${time(request.startsAt)}`,
      needed.length === 0 ? undefined : say`needs: ${list(needed.map(({ phrase }) => phrase))}`,
      say`decide before: ${time(entry.data['reviewBy'])}`,
      idLine('request', entry.requestId),
    ],
  };
}

/** Asks the group that may stand in after an escalation. */
export function requestEscalated(about: About): Message {
  const { entry, request, time } = about;
  const group = textIn(partOf(partOf(entry.data, 'quorum'), 'escalation'), 'group');
  return {
    kind: 'review_requested',
    people: concerned(request),
    groups: people(group),
    headline: say`${requestOf(about)} still waits for review${group === undefined ? words('') : say`: ${name(group)} may now stand in`}`,
    details: [
      alreadyEnded(request),
      ...asking(request),
      request && lengthLine(request, time),
      request && say`decide before: ${time(request.reviewBy)}`,
      idLine('request', entry.requestId),
    ],
  };
}

const lengthLine = ({ ttlMs, until }: AccessRequest, time: About['time']): Phrase =>
  until === undefined ? say`for: ${duration(ttlMs)}` : say`until: ${time(until)}`;

/** How long the access would last. */
const lengthOf = ({ ttlMs, until }: AccessRequest, time: About['time']): Phrase =>
  until === undefined ? say`for ${duration(ttlMs)}` : say`until ${time(until)}`;

function neededOf(group: JsonObject | null): { readonly group: string | undefined; readonly phrase: Phrase } {
  const { name: called, approvals } = group ?? {};
  const known = typeof called === 'string' ? called : undefined;
  return { group: known, phrase: say`${words(typeof approvals === 'number' ? String(approvals) : 'some')} of ${name(known ?? '')}` };
}

/** A message may come late: then no reviewer needs to act. */
export const alreadyEnded = (request: AccessRequest | undefined): Phrase | undefined =>
  request?.end && say`no action needed: the request is already ${words(request.end.status)}`;
