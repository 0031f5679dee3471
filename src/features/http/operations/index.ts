import { openApiOf } from '../openapi.js';
import { operation, type Operation, type WrittenBody } from '../operation.js';
import { tagOf } from '../respond.js';
import { document } from '../schemas/answers.js';
import * as audit from './audit.js';
import * as breakGlass from './break-glass.js';
import * as emergencies from './emergencies.js';
import { events } from './events.js';
import * as grants from './grants.js';
import * as links from './links.js';
import * as me from './me.js';
import { searchPeople } from './people.js';
import * as requests from './requests.js';
import * as reviews from './reviews.js';
import * as system from './system.js';

const documents = new Map<string, WrittenBody>();

/** The document, made and written once for each path: the route needs no caller, and both take milliseconds. */
function documentAt(server: string): WrittenBody {
  const known = documents.get(server);
  if (known !== undefined) return known;
  const text = JSON.stringify(openApiOf(operations, server));
  const document = { text, etag: tagOf(text) };
  documents.set(server, document);
  return document;
}

/** Serves the document of all operations, this one included. */
const openapi = operation({
  id: 'openapi',
  method: 'GET',
  path: '/openapi.json',
  area: 'service',
  summary: 'This document.',
  access: 'open',
  answer: document,
  run: ({ options }) => Promise.resolve({ written: documentAt(`${options.basePath}/v1`) }),
});

/** Every operation, in the order of the documents. */
export const operations: readonly Operation[] = [
  system.health,
  openapi,
  me.me,
  me.requestables,
  me.canAskFor,
  me.views,
  searchPeople,
  requests.requestAccess,
  requests.listRequests,
  requests.getRequest,
  requests.getTimeline,
  requests.getReviewers,
  requests.amend,
  requests.cancel,
  requests.comment,
  requests.extendRequest,
  requests.releaseRequest,
  reviews.inbox,
  reviews.approve,
  reviews.deny,
  grants.listGrants,
  grants.getGrant,
  grants.extendGrant,
  grants.releaseGrant,
  breakGlass.breakGlass,
  breakGlass.listBreakGlassReviews,
  breakGlass.reviewBreakGlass,
  links.openLink,
  links.redeemLink,
  events,
  grants.revoke,
  emergencies.revokeAll,
  emergencies.lock,
  emergencies.listLocks,
  emergencies.unlock,
  audit.whoHadAccess,
  audit.history,
  audit.accessReport,
  audit.stats,
  audit.journal,
  audit.journalHead,
  audit.verifyJournal,
];
