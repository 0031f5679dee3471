import { JitEngine, reviewers } from 'jit-access';
import { createHttpHandler } from 'jit-access/http';
import { approvalLinks } from 'jit-access/links';
import { redisGrantStore } from 'jit-access/redis';
import { sqlGrantStore } from 'jit-access/sql';
import { webhookSink } from 'jit-access/webhook';
import { describe, expect, it } from 'vitest';
import { anEngine } from './engine/an-engine.js';

/* The usual mistakes of a first program, in JavaScript: an argument is missing, or has another form. */

type Loose = Record<string, (...args: unknown[]) => unknown>;
const { engine } = anEngine();
const loose = engine as unknown as Loose;

/** Each call without its options, and the field that its refusal must name. */
const MISSING: readonly (readonly [string, () => unknown, string])[] = [
  ['approve(id)', () => loose['approve']?.('r'), 'by'],
  ['deny(id)', () => loose['deny']?.('r'), 'by'],
  ['cancel(id)', () => loose['cancel']?.('r'), 'by'],
  ['comment(id)', () => loose['comment']?.('r'), 'text'],
  ['amend(id)', () => loose['amend']?.('r'), 'by'],
  ['revoke(id)', () => loose['revoke']?.('g'), 'by'],
  ['revokeAll()', () => loose['revokeAll']?.(), '(?:by|subject)'],
  ['lock({ subject })', () => loose['lock']?.({ subject: 'user:maya' }), 'by'],
  ['requestAccess()', () => loose['requestAccess']?.(), 'subject'],
  ['breakGlass()', () => loose['breakGlass']?.(), 'subject'],
  ['new JitEngine()', () => new (JitEngine as unknown as new () => unknown)(), 'approver'],
  ["reviewers(['user:sam'])", () => (reviewers as unknown as (list: string[]) => unknown)(['user:sam']), 'members'],
  ['createHttpHandler(engine)', () => (createHttpHandler as unknown as (given: unknown) => unknown)(engine), 'identify'],
  ['approvalLinks(engine)', () => (approvalLinks as unknown as (given: unknown) => unknown)(engine), 'keys'],
  ['webhookSink()', () => (webhookSink as unknown as () => unknown)(), 'url'],
  ['sqlGrantStore()', () => (sqlGrantStore as unknown as () => unknown)(), 'db'],
  ['redisGrantStore()', () => (redisGrantStore as unknown as () => unknown)(), 'client'],
];

const refusalOf = async (call: () => unknown): Promise<string> => {
  try {
    await call();
    return 'no refusal';
  } catch (error) {
    return (error as Error).message;
  }
};

describe('a call without its options', () => {
  it.each(MISSING)('[NC11] names the fields that it takes: %s', async (_, call, field) => {
    expect(await refusalOf(call)).toMatch(new RegExp(`must be an object with .*\\b${field}\\b.*; got (undefined|an array)$`));
  });

  it('[NC11] lists the values of a status', async () => {
    expect(await refusalOf(() => loose['listRequests']?.({ status: 'open' }))).toBe(
      'status must be one of pending, approved, denied, cancelled, expired; got "open"',
    );
    expect(await refusalOf(() => loose['listGrants']?.({ status: 'shut' }))).toBe(
      'status must be one of scheduled, active, expired, revoked, open; got "shut"',
    );
  });
});
