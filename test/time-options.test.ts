import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { autoApprove, JitEngine, MemoryGrantStore } from '../src/index.js';
import { readBreakGlass, readVerdict } from '../src/lifecycle/verdict.js';

/** The names of members, options and parameters in `text` that take a `Duration`. */
const durationsIn = (text: string): string[] => [...text.matchAll(/(\w+)\??: Duration\b/g)].map(([, name]) => name as string);

describe('an option for a length of time', () => {
  it('takes a Duration exactly where its name does not end in Ms', () => {
    const names = readdirSync('src', { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .flatMap((file) => durationsIn(readFileSync(`src/${file}`, 'utf8')));
    expect(names).toEqual(
      expect.arrayContaining(['ttl', 'approverTimeout', 'retryAfter', 'poll', 'maxUnconfirmed', 'timeout', 'tolerance']),
    );
    expect(names.filter((name) => name.endsWith('Ms'))).toEqual([]);
  });

  const approver = autoApprove(() => true);
  const groups = [{ name: 'dba', approvals: 1 }];
  const inQuorum = (more: object) => () => readVerdict('desk', { outcome: 'review', quorum: { groups, ...more } });
  const inTerms = (terms: object) => () => readVerdict('desk', { outcome: 'approve', terms });
  it.each([
    ['leewayMs', (ms: unknown) => () => new JitEngine({ store: new MemoryGrantStore(), approver, leewayMs: ms as number })],
    [
      'limits.resendMs',
      (ms: unknown) => () => new JitEngine({ store: new MemoryGrantStore(), approver, limits: { resendMs: ms as number } }),
    ],
    ['verdict.quorum.reviewWithinMs', (reviewWithinMs: unknown) => inQuorum({ reviewWithinMs })],
    ['verdict.quorum.approvalTtlMs', (approvalTtlMs: unknown) => inQuorum({ approvalTtlMs })],
    ['verdict.quorum.escalation.afterMs', (afterMs: unknown) => inQuorum({ escalation: { group: 'leads', afterMs } })],
    ['verdict.quorum.remindEveryMs', (ms: unknown) => inQuorum({ remindEveryMs: ms === 1_000 ? 300_000 : ms })],
    ['verdict.terms.warnBeforeMs[0]', (ms: unknown) => inTerms({ warnBeforeMs: [ms] })],
    ['verdict.terms.idleTtlMs', (idleTtlMs: unknown) => inTerms({ idleTtlMs })],
    ['verdict.terms.maxTotalMs', (maxTotalMs: unknown) => inTerms({ maxTotalMs })],
    ['verdict.reviewWithinMs', (reviewWithinMs: unknown) => () => readBreakGlass('desk', { outcome: 'approve', reviewWithinMs })],
  ])('takes milliseconds and refuses a string where it ends in Ms: %s', (argument, giving) => {
    expect(giving(1_000)).not.toThrow();
    expect(giving('1s')).toThrow(expect.objectContaining({ code: 'ERR_JIT_INVALID_ARGUMENT', argument }) as Error);
  });
});
