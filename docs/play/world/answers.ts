import {
  isJitError,
  type AccessRequest,
  type AccessResult,
  type AccessStatus,
  type AnyJitError,
  type Decision,
  type Grant,
  type LockResult,
  type LockWithStatus,
  type Page,
  type SweepReport,
} from 'jit-access';
import type { LinkPreview } from 'jit-access/links';
import type { Call } from './calls.js';

export type Tone = 'yes' | 'no' | 'wait' | 'plain';

/** What a call answered: in one word, and as people would say it. */
export interface Answer {
  readonly word: string;
  readonly text: string;
  readonly tone: Tone;
}

/** @param time how an instant is written */
export function answerOf({ method, outcome }: Call, time: (instant: number) => string): Answer {
  if (!outcome.ok) return refusal(outcome.error);
  const { value } = outcome;
  switch (method) {
    case 'check':
    case 'assertAllowed':
      return decision(value as Decision, time);
    case 'requestAccess':
    case 'extend':
    case 'breakGlass':
    case 'approve':
    case 'deny':
    case 'redeem':
      return result(value as AccessResult, time);
    case 'revoke':
    case 'release':
      return ended(value as Grant, time);
    case 'lock':
      return locked(value as LockResult);
    case 'unlock':
      return unlocked(value as LockWithStatus);
    case 'status':
      return held(value as AccessStatus, time);
    case 'reviewBreakGlass':
      return acknowledged(value as AccessRequest);
    case 'create':
      return { word: 'link', text: `a token: ${(value as string).slice(0, 24)}…`, tone: 'plain' };
    case 'open':
      return opened(value as LinkPreview);
    case 'sweep':
      return swept(value as SweepReport);
    case 'whoHadAccess':
      return holders(value as Page<Grant>, time);
    default:
      return { word: 'done', text: 'done', tone: 'plain' };
  }
}

function refusal(error: unknown): Answer {
  if (!isJitError(error)) throw error;
  const detail = detailOf(error);
  return { word: error.code, text: `${error.code}${detail === undefined ? '' : ` (${detail})`}`, tone: 'no' };
}

function detailOf(error: AnyJitError): string | undefined {
  switch (error.code) {
    case 'ERR_JIT_LINK':
    case 'ERR_JIT_NOT_REVIEWER':
      return error.why;
    case 'ERR_JIT_LIMIT':
      return error.limit;
    case 'ERR_JIT_LOCKED':
      return error.subject ?? error.scope;
    case 'ERR_JIT_REQUIREMENTS':
      return error.reason;
    default:
      return undefined;
  }
}

function decision({ allowed, reason, validUntil }: Decision, time: (instant: number) => string): Answer {
  const until = validUntil === undefined ? '' : allowed ? `, until ${time(validUntil)}` : `, before ${time(validUntil)}`;
  return { word: reason, text: `${allowed ? 'allowed' : 'not allowed'}: ${reason}${until}`, tone: allowed ? 'yes' : 'no' };
}

function result(given: AccessResult, time: (instant: number) => string): Answer {
  switch (given.outcome) {
    case 'granted':
    case 'ended': {
      // Where several scopes were requested, the answer names those that were granted.
      const named = given.request.scopes.length > 1;
      const windows = given.grants.map(
        ({ scope, startsAt, expiresAt }) => `${named ? `${scope} ` : ''}[${time(startsAt)}, ${time(expiresAt)})`,
      );
      return { word: given.outcome, text: `${given.outcome}: ${windows.join(' ')}`, tone: given.outcome === 'granted' ? 'yes' : 'no' };
    }
    case 'pending': {
      const who = given.reviewers === undefined ? '' : `: ${given.reviewers.join(', ')} may review`;
      return { word: 'pending', text: `pending${who}`, tone: 'wait' };
    }
    case 'denied':
      return { word: 'denied', text: `denied${given.reason === undefined ? '' : `: ${given.reason}`}`, tone: 'no' };
    default:
      return { word: given.outcome, text: given.outcome, tone: 'no' };
  }
}

function ended({ end }: Grant, time: (instant: number) => string): Answer {
  return { word: end?.cause ?? 'held', text: end === undefined ? 'held' : `ended at ${time(end.at)}: ${end.cause}`, tone: 'no' };
}

function locked({ lock, ended: { grants, requests } }: LockResult): Answer {
  const scopes = [...grants.map(({ scope }) => scope), ...requests.flatMap((request) => request.scopes)];
  const what = scopes.length === 0 ? 'nothing' : scopes.join(', ');
  return { word: 'locked', text: `${targetOf(lock)} is locked; ended: ${what}`, tone: 'no' };
}

function unlocked(lock: LockWithStatus): Answer {
  return { word: lock.status, text: `the lock on ${targetOf(lock)} is ${lock.status}`, tone: 'plain' };
}

const targetOf = ({ subject, scope }: LockWithStatus): string => subject ?? scope ?? '';

function held({ held: grants }: AccessStatus, time: (instant: number) => string): Answer {
  const each = grants.map(({ scope, expiresAt }) => `${scope} until ${time(expiresAt)}`);
  return { word: 'held', text: `held: ${each.length === 0 ? 'nothing' : each.join(', ')}`, tone: 'plain' };
}

function acknowledged({ afterReview }: AccessRequest): Answer {
  const verdict = afterReview?.breakGlassReview?.verdict ?? 'afterReview';
  return { word: verdict, text: `reviewed: ${verdict}`, tone: verdict === 'justified' ? 'yes' : 'no' };
}

function opened({ request, reviewer, decision: what }: LinkPreview): Answer {
  return { word: 'opened', text: `${reviewer} may ${what} it for ${request.subject}; nothing is decided yet`, tone: 'plain' };
}

function swept({ ended: grants, expired }: SweepReport): Answer {
  return { word: 'swept', text: `recorded: ${grants} ended grants, ${expired} expired requests`, tone: 'plain' };
}

function holders({ items }: Page<Grant>, time: (instant: number) => string): Answer {
  if (items.length === 0) return { word: 'no subject', text: 'no subject', tone: 'plain' };
  const each = items.map(({ subject, startsAt, expiresAt }) => `${subject} [${time(startsAt)}, ${time(expiresAt)})`);
  return { word: items.map(({ subject }) => subject).join(' '), text: each.join(', '), tone: 'plain' };
}
